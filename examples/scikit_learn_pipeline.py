"""Change the import in a scikit-learn pipeline: ``python examples/scikit_learn_pipeline.py``."""

from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from whygrad import MLPClassifier  # in place of sklearn.neural_network

x, y = load_wine(return_X_y=True)

pipeline = make_pipeline(
    StandardScaler(),
    MLPClassifier(hidden_layer_sizes=(16,), learning_rate_init=0.01, max_iter=300, random_state=0),
)
scores = cross_val_score(pipeline, x, y, cv=3)
print(f"accuracy {scores.mean():.3f}, over folds {scores.round(3)}")

# With record_every the fit is a run, and the run answers.
pipeline.set_params(mlpclassifier__record_every=10).fit(x, y)
run = pipeline[-1].run_
print(run.doctor())
print(run.why("hidden1[3]", step=50))
