"""The studies, by explicit table; nothing is imported until a study is asked for."""

from glasswork.studies.study import Output, RecipeFlags, Study

OF_A_RUN = ("replay", "tensorboard", "out", "restarts", "select_by")
BY_EPOCHS = (*OF_A_RUN, "budget")
PENALTIES = ("penalty", "strength", "dropout", "patience", "weight_decay", "label_smoothing")
ANY = "{presets}, or a recipe.toml; absent: what fits"
PAGE = {"out": Output("write the page here (.html), or the figures (.json)", (".html", ".json"))}
AGAIN = "stopped: the comparison is all or nothing, so start again with"

STUDIES: dict[str, Study] = {
    "crossvalidate": Study(
        function="crossvalidate.crossvalidate",
        brief="compare settings",
        sentence="judge settings on examples kept from training: glasswork crossvalidate mlp --hidden 4 8 16",
        options="CrossvalidateOptions",
        recipe=RecipeFlags(
            title="the recipe; a flag with several values, such as --hidden 4 8 16, is what is tried",
            preset=ANY,
            without=BY_EPOCHS,
            several=True,
        ),
        outputs=PAGE,
        stopped="stopped after {percent:.0f} % of the work: a cross-validation is all or nothing, so start again with "
        "fewer folds",
    ),
    "tune": Study(
        function="tune.tune",
        brief="search settings",
        sentence="search a recipe's fields by the validation examples: glasswork tune mlp --trials 50 --budget 20m",
        options="TuneOptions",
        recipe=RecipeFlags(title="the recipe; a field that is given is not searched", preset=ANY, without=OF_A_RUN),
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
        sentence="list the labels of your data that are probably wrong: glasswork label-errors photos/",
        options="LabelErrorsOptions",
        recipe=RecipeFlags(
            title="the networks that judge", only=("target", "size", "epochs", "seed", "threads", "device")
        ),
        outputs={
            "csv": Output("write all suspects here, a line each", (".csv",)),
            "out": Output("write the page with the suspects here (.html)", (".html",)),
        },
    ),
    "vary": Study(
        function="vary.vary",
        brief="a field's effect",
        sentence="see the effect of a field as a row of pictures: glasswork vary points hidden 3 6 20",
        options="VaryOptions",
        recipe=RecipeFlags(
            title="the recipe: what stays the same",
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
        sentence="compare ways to learn from few pictures: glasswork transfer photos/ --out page.html",
        options="TransferOptions",
        recipe=None,
        outputs=PAGE,
        stopped="stopped after {percent:.0f} % of the work: a comparison is all or nothing; the features of the "
        "pictures are kept",
    ),
    "compare-penalties": Study(
        function="penalties.compare_penalties",
        brief="compare regularisers",
        sentence="compare none, L1, L2, dropout, max-norm and early stopping on one data set",
        options="PenaltiesOptions",
        recipe=RecipeFlags(
            title="the recipe; without --data mlp compares on few examples of mnist-5k",
            preset="mlp, linear, lenet or own; absent: mlp",
            without=(*BY_EPOCHS, *PENALTIES),
        ),
        outputs=PAGE,
        verb=False,
        stopped="stopped: a comparison is all or nothing, so start again with fewer --seeds",
    ),
    "why-convolution": Study(
        function="why_convolution.why_convolution",
        brief="dense vs. shared",
        sentence="shallow against deep, dense against convolutional, in numbers: glasswork why-convolution",
        options="WhyConvolutionOptions",
        recipe=None,
        outputs=PAGE,
        stopped=f"{AGAIN} a --budget",
    ),
    "why-recurrence": Study(
        function="why_recurrence.why_recurrence",
        brief="RNN vs. LSTM",
        sentence="remember a bracket opened ever farther back, RNN against LSTM: glasswork why-recurrence",
        options="WhyRecurrenceOptions",
        recipe=None,
        outputs=PAGE,
        stopped=f"{AGAIN} less to do",
    ),
    "vanishing-gradient": Study(
        function="vanishing_gradient.vanishing_gradient",
        brief="error by lag",
        sentence="draw what of an error arrives k steps back: glasswork vanishing-gradient --out page.html",
        options="VanishingGradientOptions",
        recipe=None,
        outputs=PAGE,
        stopped="stopped: start again with fewer --steps, or --steps 0 for untrained networks",
    ),
}
