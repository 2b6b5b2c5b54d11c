"""The flow `refresh`: everything, in order."""

from __future__ import annotations

from prefect import flow

from flows.build_features import build_features
from flows.ingest_documents import ingest_documents
from flows.ingest_mobility import ingest_mobility
from flows.publish import publish
from flows.train_embeddings import train_embeddings
from flows.train_hmm import train_hmm
from flows.train_lstm import train_lstm
from tasks.lake.layout import Lake
from tasks.running.engine import keep_engine
from tasks.running.places import home_folder
from tasks.running.runs import Stage, record_run


@flow(name="refresh")
def refresh(
    home: str | None = None, sources: str | None = None, engine: str = "local", only: Stage | None = None
) -> str:
    """Take in what is new, publish it, learn from what is published, publish that; returns the snapshot in force.

    What is unchanged is skipped. The features are built twice: so that what is published first fits together, and with new taggers, if
    any came of it. With `only`, that stage alone, and the publish.
    """
    with record_run(Lake.open(home_folder(home)), "refresh"), keep_engine():
        if only is not None:
            _one_stage(only, home, sources, engine)
            return publish(home)
        ingest_documents(home, sources, engine)
        ingest_mobility(home, sources, engine)
        build_features(home, engine)
        publish(home)
        train_hmm(home, engine)
        build_features(home, engine)
        publish(home)
        train_embeddings(home, engine)
        train_lstm(home, engine)
        return publish(home)


def _one_stage(stage: Stage, home: str | None, sources: str | None, engine: str) -> None:
    """Run the flow that leaves `stage`."""
    match stage:
        case "documents":
            ingest_documents(home, sources, engine)
        case "mobility":
            ingest_mobility(home, sources, engine)
        case "features":
            build_features(home, engine)
        case "embeddings":
            train_embeddings(home, engine)
        case "hmm":
            train_hmm(home, engine)
        case "lstm":
            train_lstm(home, engine)
