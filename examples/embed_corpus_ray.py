"""A corpus of 100,000 texts embedded by several processes with Ray Data, written as Parquet, restartable.

    python examples/embed_corpus_ray.py                      # 100,000 generated texts, with the emulator
    python examples/embed_corpus_ray.py --texts 2000         # a smaller one
    python examples/embed_corpus_ray.py --corpus pages.parquet --column body

`ArkEmbeddings` is pickled without connections, so Ray can send it to its workers; each opens its own. The corpus
is split into shards. The folder of a shard appears only when it is complete: the run can be stopped at any time,
and a new run skips complete shards.

It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts the emulator. It needs Ray:
`pip install "ray[data]"`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from session import heading, session

from langchain_volcark import ArkEmbeddings
from langchain_volcark.exceptions import VolcArkError

MODEL = os.environ.get("ARK_EMBEDDING_MODEL", "doubao-embedding-vision-251215")
OUTPUT = Path(__file__).resolve().parent.parent / "build" / "corpus"
TRIES = 3

Batch = dict[str, Any]


class Embedder:
    """A worker: created once, called for each batch."""

    def __init__(self, embeddings: ArkEmbeddings) -> None:
        """Store the embeddings object."""
        self._embeddings = embeddings

    def __call__(self, batch: Batch) -> Batch:
        """Add the vectors to a batch, as 32-bit floats: half the size of Python floats on disk."""
        vectors = embed_all(self._embeddings, [str(text) for text in batch["text"]])
        return {**batch, "vector": np.asarray(vectors, dtype=np.float32)}


def embed_all(embeddings: ArkEmbeddings, texts: list[str]) -> list[list[float]]:
    """Embed texts; after a failure, continue where it stopped."""
    done: dict[int, list[float]] = {}
    for attempt in range(1, TRIES + 1):
        rest = [position for position in range(len(texts)) if position not in done]
        try:
            found = embeddings.embed_documents([texts[position] for position in rest])
        except VolcArkError as error:
            # Completed requests are billed, so only the others are sent again.
            done.update({rest[place]: vector for place, vector in (error.completed or {}).items()})
            if not error.is_retryable or attempt == TRIES:
                raise
        else:
            done.update(zip(rest, found, strict=True))
            break
    return [done[position] for position in range(len(texts))]


def made_up_corpus(count: int) -> pa.Table:
    """Generate different texts, half Chinese, half English."""
    plants = ["花椰菜", "西兰花", "白菜", "萝卜", "cauliflower", "broccoli", "cabbage", "radish"]
    places = ["杭州", "成都", "西安", "广州", "Hangzhou", "Chengdu", "Xi'an", "Guangzhou"]
    texts = [
        f"第 {number} 号:{plants[number % 4]}在{places[number // 4 % 4]}的菜市场上很常见。"
        if number % 2
        else f"No. {number}: {plants[4 + number % 4]} is common in the markets of {places[4 + number // 4 % 4]}."
        for number in range(count)
    ]
    return pa.table({"id": list(range(count)), "text": texts})


def embed_shard(shard: pa.Table, target: Path, embeddings: ArkEmbeddings, options: argparse.Namespace) -> None:
    """Embed one shard in Ray's workers; its folder is renamed when it is complete."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    rows = ray.data.from_arrow(shard).repartition(options.workers * 2)
    rows = rows.map_batches(
        Embedder,
        fn_constructor_args=(embeddings,),
        batch_size=options.batch_size,
        compute=ray.data.ActorPoolStrategy(size=options.workers),
    )
    rows.write_parquet(str(unfinished))
    unfinished.rename(target)


def open_corpus(options: argparse.Namespace) -> pa.Table:
    """Return the corpus with the columns `id` and `text`."""
    if options.corpus is None:
        return made_up_corpus(options.texts)
    corpus = pq.read_table(options.corpus).rename_columns({options.column: "text"})
    if "id" not in corpus.column_names:
        corpus = corpus.append_column("id", pa.array(range(corpus.num_rows)))
    return corpus


def require_same_work(options: argparse.Namespace, corpus: pa.Table, space: str) -> None:
    """Raise if the folder has another corpus, or vectors of another model."""
    texts = hashlib.blake2b(digest_size=16)
    for text in corpus["text"]:
        texts.update(text.as_py().encode("utf-8", "surrogatepass") + b"\0")
    work = {"texts": texts.hexdigest(), "space": space, "shard_size": options.shard_size}
    note = options.output / "_work.json"
    options.output.mkdir(parents=True, exist_ok=True)
    if not note.exists():
        note.write_text(json.dumps(work), encoding="utf-8")
    elif json.loads(note.read_text(encoding="utf-8")) != work:
        raise SystemExit(f"{options.output} holds other texts, another model or other shards: choose an --output.")


def start_ray(workers: int) -> None:
    """Start Ray on this machine; on a cluster use `ray.init(address="auto")` instead."""
    # No usage statistics; a dashboard is only needed on clusters.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, num_cpus=workers * 2)
    logging.disable(logging.WARNING)  # Ray Data logs every step
    ray.data.DataContext.get_current().enable_progress_bars = False


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Embed a corpus with Ray Data.")
    parser.add_argument("--texts", type=int, default=100_000, help="how many texts to make up (100,000)")
    parser.add_argument("--corpus", type=Path, help="a Parquet file to embed instead")
    parser.add_argument("--column", default="text", help="its column with the texts (text)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the shards go (build/corpus)")
    parser.add_argument("--shard-size", type=int, default=10_000, help="texts in a shard (10,000)")
    parser.add_argument("--batch-size", type=int, default=500, help="texts a worker takes at once (500)")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="processes")
    parser.add_argument("--dimensions", type=int, default=1024, help="length of the vectors (1024)")
    return parser.parse_args(given)


def main() -> None:
    """Embed the missing shards."""
    options = arguments()
    corpus = open_corpus(options)
    with session() as here:
        space = f"{'emulated-' if here.server else ''}{MODEL}-{options.dimensions}"
        require_same_work(options, corpus, space)
        start_ray(options.workers)
        embeddings = ArkEmbeddings(
            model=MODEL, dimensions=options.dimensions, max_concurrency=32, **here.arguments
        )
        heading(f"{corpus.num_rows:,} texts, {options.workers} workers")
        started, embedded = time.perf_counter(), 0
        for number, start in enumerate(range(0, corpus.num_rows, options.shard_size)):
            target = options.output / f"shard-{number:05d}"
            if target.exists():
                print(f"{target.name}: is there already")
                continue
            shard = corpus.slice(start, options.shard_size)
            embed_shard(shard, target, embeddings, options)
            embedded += shard.num_rows
            pace = embedded / (time.perf_counter() - started)
            print(f"{target.name}: {shard.num_rows:,} texts, {pace:,.0f} a second so far", flush=True)
    ray.shutdown()
    total = pq.read_table(options.output, columns=["id"]).num_rows
    print(f"{total:,} vectors are in {options.output}; {embedded:,} of them were embedded in this run.")


if __name__ == "__main__":
    main()
