"""scikit-learn's multilayer perceptrons on whygrad's engine: change the import, keep the rest.

The estimators are scikit-learn's own, with their checks of input, their encoding of targets, their
rules for stopping and their random numbers; what is replaced is the training itself. So the same
``random_state`` starts from the same weights and takes the same batches. As there, training goes on
in the precision of the inputs: give float32 where speed counts.

    whygrad.estimators          names, defaults, and what they mean
    training                    starting, training and going forward
    epochs                      samples, checked and laid out; epochs in one compiled call
    progress                    when training is over: scikit-learn's rules, and its callbacks
    recorded                    the same training as a run, for ``why`` and ``doctor``
    sklearn_private             what of scikit-learn has no public name
"""
