"""The studies, by explicit table; nothing is imported until a study is asked for."""

from glasswork.studies.study import Output, RecipeFlags, Study

OF_A_RUN = ("replay", "tensorboard", "out", "restarts", "select_by")
BY_EPOCHS = (*OF_A_RUN, "budget")
PENALTIES = ("penalty", "strength", "dropout", "patience", "weight_decay", "label_smoothing")
ANY = "{presets}, or a recipe.toml (default: chosen from the data)"
PAGE = {"out": Output("write the page here (.html), or the figures (.json)", (".html", ".json"))}
AGAIN = "stopped: the comparison cannot continue, so start again with"

STUDIES: dict[str, Study] = {
    "crossvalidate": Study(
        function="crossvalidate.crossvalidate",
        brief="compare settings",
        sentence="compare settings by cross-validation: glasswork crossvalidate mlp --hidden 4 8 16",
        options="CrossvalidateOptions",
        recipe=RecipeFlags(
            title="the recipe; a flag with several values, such as --hidden 4 8 16, is what is compared",
            preset=ANY,
            without=BY_EPOCHS,
            several=True,
        ),
        outputs=PAGE,
        stopped="stopped after {percent:.0f} % of the work: a stopped cross-validation cannot continue, so start "
        "again with fewer folds",
    ),
    "tune": Study(
        function="tune.tune",
        brief="search settings",
        sentence="search for the recipe with the best validation score: glasswork tune mlp --trials 50 --budget 20m",
        options="TuneOptions",
        recipe=RecipeFlags(title="the recipe; a field that you give is not searched", preset=ANY, without=OF_A_RUN),
        outputs={"out": Output("write the page here (.html), or the trials (.json)", (".html", ".json"))},
        lines=True,
    ),
    "rate": Study(
        function="rate.rate",
        brief="find learning rate",
        sentence="find a learning rate and a batch size before training: glasswork rate lenet",
        options="Options",
        recipe=RecipeFlags(
            title="the recipe that the rate is for", preset=ANY, without=(*BY_EPOCHS, "patience", "epochs")
        ),
        outputs=PAGE,
    ),
    "label-errors": Study(
        function="label_errors.label_errors",
        brief="wrong labels",
        sentence="list the labels in your data that are probably wrong: glasswork label-errors photos/",
        options="LabelErrorsOptions",
        recipe=RecipeFlags(
            title="the networks that check the labels", only=("target", "size", "epochs", "seed", "threads", "device")
        ),
        outputs={
            "csv": Output("write all suspects here, one per line", (".csv",)),
            "out": Output("write the page with the suspects here (.html)", (".html",)),
        },
    ),
    "vary": Study(
        function="vary.vary",
        brief="a field's effect",
        sentence="see the effect of a field as a row of pictures: glasswork vary points hidden 3 6 20",
        options="VaryOptions",
        recipe=RecipeFlags(
            title="the recipe: everything that stays the same",
            preset="{presets}",
            required=True,
            without=("replay", "tensorboard", "out"),
        ),
        outputs={
            "out": Output(
                "write the row of pictures here: as a page (.html), as .png, or the figures as .json",
                (".html", ".png", ".json"),
            )
        },
        lines=True,
        stopped="stopped after {done} of {of} networks",
        quiet=True,
    ),
    "transfer": Study(
        function="transfer.transfer",
        brief="with pretraining",
        sentence="compare ways to learn from few images: glasswork transfer photos/ --out page.html",
        options="TransferOptions",
        recipe=None,
        outputs=PAGE,
        stopped="stopped after {percent:.0f} % of the work: a stopped comparison starts again; the features of the "
        "images are kept",
    ),
    "compare-penalties": Study(
        function="penalties.compare_penalties",
        brief="compare regularisers",
        sentence="compare none, L1, L2, dropout, max-norm and early stopping on one data set",
        options="PenaltiesOptions",
        recipe=RecipeFlags(
            title="the recipe; without --data, mlp is compared on few examples of mnist-5k",
            preset="mlp, linear, lenet or own (default: mlp)",
            without=(*BY_EPOCHS, *PENALTIES),
        ),
        outputs=PAGE,
        verb=False,
        stopped="stopped: the comparison cannot continue, so start again with fewer --seeds",
    ),
    "why-convolution": Study(
        function="why_convolution.why_convolution",
        brief="dense vs. shared",
        sentence="compare shallow with deep and dense with convolutional networks: glasswork why-convolution",
        options="WhyConvolutionOptions",
        recipe=None,
        outputs=PAGE,
        stopped=f"{AGAIN} a --budget",
    ),
    "why-recurrence": Study(
        function="why_recurrence.why_recurrence",
        brief="RNN vs. LSTM",
        sentence="how far back can an RNN remember, and an LSTM? glasswork why-recurrence",
        options="WhyRecurrenceOptions",
        recipe=None,
        outputs=PAGE,
        stopped=f"{AGAIN} less to do",
    ),
    "vanishing-gradient": Study(
        function="vanishing_gradient.vanishing_gradient",
        brief="error by lag",
        sentence="show how the gradient fades over k steps back: glasswork vanishing-gradient --out page.html",
        options="VanishingGradientOptions",
        recipe=None,
        outputs=PAGE,
        stopped="stopped: start again with fewer --steps, or --steps 0 for untrained networks",
    ),
}
