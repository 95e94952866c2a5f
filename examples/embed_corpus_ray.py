"""A corpus of 100,000 texts embedded by several processes with Ray Data, written as Parquet, restartable.

    python examples/embed_corpus_ray.py                      # 100,000 generated texts, with the emulator
    python examples/embed_corpus_ray.py --texts 2000         # a smaller one
    python examples/embed_corpus_ray.py --corpus pages.parquet --column body
    python examples/embed_corpus_ray.py --batch              # batch inference: half the price, answers in hours

`ArkEmbeddings` is pickled without connections, so Ray can send it to its workers; each opens its own. The corpus
is split into shards. The folder of a shard appears only when it is complete: the run can be stopped at any time,
and a new run skips complete shards. With `--batch` each vector is also written to the shard's journal as it comes,
so that a new run sends only the rows that have none: no finished row is paid twice.

It needs no key: without `ARK_API_KEY` and `ARK_MODEL` it starts the emulator. It needs Ray:
`pip install "ray[data]"`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray
from session import heading, session

from langchain_volcark import ArkEmbeddings
from langchain_volcark.exceptions import VolcArkError

BATCH_ENDPOINT = os.environ.get("ARK_BATCH_EMBEDDING_MODEL")
EMULATED_ENDPOINT = "ep-bi-20260101000000-emulat"
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


class Journal:
    """The vectors of one shard so far: files of fixed-size records, one file for each worker."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        """Use a folder; it may have files of earlier runs."""
        self._folder = folder
        self._record = np.dtype([("row", "<i8"), ("vector", "<f4", (dimensions,))])

    def open(self) -> BinaryIO:
        """Create a worker's file, unbuffered, so that a killed worker loses no record."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / f"{uuid.uuid4().hex}.rows").open("ab", buffering=0)

    def record(self, row: int, vector: list[float]) -> bytes:
        """Write a row's record."""
        return np.array((row, vector), dtype=self._record).tobytes()

    def read(self) -> dict[int, Any]:
        """Read row to vector; a record that was cut off at the end of a file is left out."""
        found: dict[int, Any] = {}
        for path in sorted(self._folder.glob("*.rows")):
            found.update((int(record["row"]), record["vector"]) for record in np.fromfile(path, self._record))
        return found

    def remove(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)


class BatchEmbedder:
    """A worker of batch inference: one request for each row, and a record for each answer as it comes."""

    def __init__(self, embeddings: ArkEmbeddings, journal: Journal, concurrency: int) -> None:
        """Open a file of the journal."""
        self._embeddings = embeddings
        self._journal = journal
        self._concurrency = concurrency
        self._file = journal.open()

    def __call__(self, batch: Batch) -> Batch:
        """Embed the rows that have no record: Ray gives a batch again whose worker has died."""
        finished = self._journal.read()
        rest = {int(row): str(text) for row, text in zip(batch["row"], batch["text"], strict=True)}
        asyncio.run(self._embed({row: text for row, text in rest.items() if row not in finished}))
        return {"row": batch["row"]}

    async def _embed(self, texts: dict[int, str]) -> None:
        """Embed rows; a failure is raised when the others, which are paid for, have their records."""
        turn = asyncio.Semaphore(self._concurrency)

        async def embed(row: int, text: str) -> None:
            async with turn:
                (vector,) = await self._embeddings.aembed_documents([text])
            self._file.write(self._journal.record(row, vector))

        tasks = (embed(row, text) for row, text in texts.items())
        failures = [found for found in await asyncio.gather(*tasks, return_exceptions=True) if found is not None]
        if failures:
            raise failures[0]


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


def embed_shard_in_batch(
    shard: pa.Table, target: Path, embeddings: ArkEmbeddings, options: argparse.Namespace
) -> int:
    """Embed the rows of a shard that have no vector yet; returns their number."""
    journal = Journal(target.with_name(f".{target.name}.journal"), options.dimensions)
    finished = journal.read()
    missing = [row for row in range(shard.num_rows) if row not in finished]
    if missing:
        rows = shard.take(missing).select(["text"]).append_column("row", pa.array(missing))
        done = ray.data.from_arrow(rows).repartition(options.workers * 2)
        done = done.map_batches(
            BatchEmbedder,
            fn_constructor_args=(embeddings, journal, options.concurrency),
            batch_size=options.batch_size,
            compute=ray.data.ActorPoolStrategy(size=options.workers),
        )
        done.materialize()
        finished = journal.read()
    vectors = np.concatenate([finished[row] for row in range(shard.num_rows)])
    table = shard.append_column("vector", pa.FixedSizeListArray.from_arrays(vectors, options.dimensions))
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    pq.write_table(table, unfinished / "rows.parquet")
    unfinished.rename(target)
    journal.remove()
    return len(missing)


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
    parser.add_argument(
        "--batch", action="store_true", help="use batch inference; finished rows are never paid twice"
    )
    parser.add_argument(
        "--concurrency", type=int, default=200, help="with --batch: requests of a worker at once (200)"
    )
    return parser.parse_args(given)


def main() -> None:
    """Embed the missing shards."""
    options = arguments()
    corpus = open_corpus(options)
    with session() as here:
        model = MODEL
        if options.batch:
            if here.server is None and BATCH_ENDPOINT is None:
                raise SystemExit("Set ARK_BATCH_EMBEDDING_MODEL to an endpoint of batch inference (ep-bi-…).")
            model = BATCH_ENDPOINT or EMULATED_ENDPOINT
        space = f"{'emulated-' if here.server else ''}{model}-{options.dimensions}"
        require_same_work(options, corpus, space)
        start_ray(options.workers)
        how = {"batch": True, "multimodal": True} if options.batch else {"max_concurrency": 32}
        embeddings = ArkEmbeddings(model=model, dimensions=options.dimensions, **how, **here.arguments)
        heading(f"{corpus.num_rows:,} texts, {options.workers} workers")
        started, embedded = time.perf_counter(), 0
        for number, start in enumerate(range(0, corpus.num_rows, options.shard_size)):
            target = options.output / f"shard-{number:05d}"
            if target.exists():
                print(f"{target.name}: is there already")
                continue
            shard = corpus.slice(start, options.shard_size)
            if options.batch:
                embedded += embed_shard_in_batch(shard, target, embeddings, options)
            else:
                embed_shard(shard, target, embeddings, options)
                embedded += shard.num_rows
            pace = embedded / (time.perf_counter() - started)
            print(f"{target.name}: {shard.num_rows:,} texts, {pace:,.0f} a second so far", flush=True)
    ray.shutdown()
    total = pq.read_table(options.output, columns=["id"]).num_rows
    print(f"{total:,} vectors are in {options.output}; {embedded:,} of them were embedded in this run.")


if __name__ == "__main__":
    main()
