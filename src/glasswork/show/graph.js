"use strict";
(() => {
  const walk = document.getElementById("walk");
  const said = walk.querySelector(".said");
  const count = walk.querySelector("output");
  const words = [...document.querySelectorAll(".steps > li")];
  const last = words.length - 1;
  const lettered = [...walk.querySelectorAll("[data-since]")];
  const moving = [...walk.querySelectorAll("[data-forward], [data-backward]")];
  const buttons = {
    start: () => 0, back: () => step - 1, next: () => step + 1, end: () => last,
  };
  let step = 0;

  function show(asked) {
    step = Math.min(Math.max(asked, 0), last);
    for (const part of lettered) {
      const since = Number(part.dataset.since), until = Number(part.dataset.until ?? last + 1);
      part.classList.toggle("off", step < since || step >= until);
      part.classList.toggle("new", step === since && step > 0);
    }
    for (const part of moving) {
      const back = (part.dataset.backward ?? "").split(" ").includes(String(step));
      part.classList.toggle("now", back || part.dataset.forward === String(step));
      part.classList.toggle("back", back);
    }
    said.replaceChildren(...words[step].cloneNode(true).childNodes);
    count.textContent = `Step ${step} of ${last}`;
    for (const name of ["start", "back"]) walk.querySelector(`.${name}`).disabled = step === 0;
    for (const name of ["next", "end"]) walk.querySelector(`.${name}`).disabled = step === last;
    follow();
  }

  // What happens is moved to where it can be seen: sideways in a wide picture, up or down above the buttons.
  function follow() {
    const here = [...walk.querySelectorAll(".operation.now")].find(part => part.getClientRects().length);
    if (!here) return;
    const frame = here.closest(".picture"), box = here.getBoundingClientRect(), seen = frame.getBoundingClientRect();
    if (box.left < seen.left || box.right > seen.right) {
      frame.scrollLeft += (box.left + box.right) / 2 - (seen.left + seen.right) / 2;
    }
    const floor = Math.min(walk.querySelector(".desk").getBoundingClientRect().top, window.innerHeight);
    if (box.top < 60 || box.bottom > floor - 60) window.scrollBy(0, (box.top + box.bottom) / 2 - floor / 2);
  }

  for (const [name, target] of Object.entries(buttons)) {
    walk.querySelector(`.${name}`).addEventListener("click", () => show(target()));
  }
  document.addEventListener("keydown", event => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    show(step + move);
  });
  walk.hidden = false;
  show(0);
})();
