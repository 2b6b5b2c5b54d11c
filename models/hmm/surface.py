"""Hidden Markov models for users: the names of `hmmlearn.hmm`, so that a script changes its import and nothing else."""

from models.hmm.convergence import ConvergenceMonitor, LikelihoodFellWarning
from models.hmm.counts import CategoricalHMM, MultinomialHMM, PoissonHMM
from models.hmm.gaussian import CovarianceFloorWarning, GaussianHMM
from models.hmm.mixture import GMMHMM

__all__ = [
    "GMMHMM",
    "CategoricalHMM",
    "ConvergenceMonitor",
    "CovarianceFloorWarning",
    "GaussianHMM",
    "LikelihoodFellWarning",
    "MultinomialHMM",
    "PoissonHMM",
]
