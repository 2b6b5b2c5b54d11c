"""Hidden Markov models for users: the names of `hmmlearn.hmm`, so that a script changes its import and nothing else."""

from models.hmm_counts import CategoricalHMM, MultinomialHMM, PoissonHMM
from models.hmm_estimator import ConvergenceMonitor, LikelihoodFellWarning
from models.hmm_gaussian import CovarianceFloorWarning, GaussianHMM
from models.hmm_mixture import GMMHMM

__all__ = [
    "GMMHMM", "CategoricalHMM", "ConvergenceMonitor", "CovarianceFloorWarning", "GaussianHMM", "LikelihoodFellWarning", "MultinomialHMM",
    "PoissonHMM",
]  # fmt: skip
