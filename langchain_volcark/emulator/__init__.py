"""Emulator: a local server with the APIs of the three services, for tests, demos and other languages.

    with Emulator() as server:
        ChatArk(model="doubao-seed-2-1-pro-260915", base_url=server.ark_base_url, api_key=server.api_key)

Or from a shell, for a client in any language: `python -m langchain_volcark.emulator --port 8080`.

It is not a model. It checks requests against the documented rules, answers invalid ones with the service's error
messages, and builds replies by the rules below: the same request always gets the same reply, except for ids and
times. It shares no code with the rest of the package, so that it can find errors in it.

**Ark chat** (`POST {ark_base_url}/chat/completions`, `GET /models`, `POST /tokenization`):

* *Text.* The answer is `You said: …` (`你说：…` for Chinese) with the first 400 characters of the last user
  message. `count to 500` (`数到500`) anywhere in it returns the numbers, up to 10,000, for long replies.
* *Context.* If a system message has blocks between `<context>` and `</context>`, separated by lines of `---`, the
  answer is the two sentences that have most in common with the last user message, each with its block's number.
* *Continuation.* If the last message is the assistant's, the reply contains only its continuation.
* *Thinking.* With thinking on, a model sends one to three sentences of `reasoning_content`, depending on the
  effort; the seed-2-1 family also sends `encrypted_content`.
* *Tools.* Tools are called after a user message: those it names, else the one whose name shares most words with it
  (`get_weather` for "what is the weather"), else the first. `tool_choice` is obeyed. After tool results the answer
  is a text that reports them, unless the user named another tool that has not been called: then it is called.
* *Arguments and JSON.* Generated from the schema with numbers, quotations and `name: value` pairs of the prompt;
  see `langchain_volcark.emulator.schema`. A `json_object` has the keys quoted in the prompt, or those of a JSON
  schema in the prompt.
* *Limits.* `stop`, `max_tokens` and `max_completion_tokens` cut answers, even inside tool arguments.
  `langchain_volcark.emulator.tokens` defines tokens; leading messages that were sent before count as cached from
  256 tokens on.
* *Trigger words.* `EMULATOR_SENSITIVE_INPUT` in any message, unless quoted in backticks: 400
  `InputTextSensitiveContentDetected`. In the last user message: `EMULATOR_FILTER_OUTPUT`, half an answer with
  `finish_reason: content_filter` (and `moderation_hit_type` on vision models); `EMULATOR_REFUSE_OUTPUT`,
  `OutputTextSensitiveContentDetected`, in a stream after half of the answer.
* *Models.* The ids of the model list; any `ep-…` id (`Emulator(endpoints=…)` maps ids to models);
  `doubao-seed-not-open-260101` is not activated (`ModelNotOpen`); `ep-closed-…` is stopped
  (`InvalidEndpoint.ClosedEndpoint`).

**Ark responses** (`POST {ark_base_url}/responses`; `GET` and `DELETE /responses/{id}`,
`GET /responses/{id}/input_items`), besides the rules of Ark chat:

* *Answers.* Texts, tools, thinking, JSON and limits as in chat. Models from 2026-04-15 on send a summary of their
  thinking, and encrypted thinking if `include` requests it. Models from before June 2025 do not support this API.
* *Storage.* Responses expire by the server's clock, which `shift_clock` moves. A chain belongs to the model or
  endpoint that began it; deleted responses are left out of it. An interrupted stream is not stored.
* *Caches.* In a chain with `caching` all earlier tokens count as cached; a prefix needs 256 tokens.
* *Search* (`web_search`). Searches the bots' corpus and weather if there are results, if the question asks for
  news or a search, or if forced; each part of a question between semicolons is a search round. Answers have
  reference marks only with `EMULATOR_MARKS_…`: `NUMBER`, `CARET`, `FOOTNOTE`, `LENTICULAR`.
* *Knowledge* (`knowledge_search`). Searches the collection `kb-demo` of the knowledge base below; with another id,
  or an unsupported filter, the search fails and the answer continues.
* *MCP.* Servers on this machine are called, for ten seconds at most; any other server has one simulated tool,
  `ask_question`. Tools are chosen like functions; approvals follow the documentation.
* *Images* (`image_process`). Runs the operation that the text names, else the first allowed one. `image 3` means
  the third image; the links in results have no images.
* *Doubao's apps* answer in blocks, from the same corpus.
* *Functions beside hosted tools* are called if the text names them or shares a word with their name.
* *Trigger words* in the last user message. `EMULATOR_END_…` ends the answer early: `FAILED` with
  `response.failed`, `ERROR` with an `error` event, `ENVELOPE` with a plain error object, `MISSING` with `[DONE]`
  only. `EMULATOR_RAW_THINKING` sends thinking as raw text.
* *Accounts.* `close_tools("web_search")` simulates an account that has not activated a hosted tool.

**Ark videos** (`POST {ark_base_url}/contents/generations/tasks`; `GET` and `DELETE` of one, `GET` of all):

* *Rules.* Modes, media and parameters as documented for each Seedance model. Pictures and sound in data URLs are
  examined, links are not fetched, `callback_url` is not called.
* *Tasks.* Queued up to the first `GET`, running with the second, succeeded with the third; `plan_video` makes one
  fail, expire, or take longer, by `GET`s or by the server's clock. They are kept for seven days of that clock.
* *Files.* Every task has the same real video of two seconds (H.264, 320 x 180 pixels) and its last picture; its
  object states what was asked for. Links need no key, refuse one, and expire after 24 hours of the clock.

**Ark files** (`POST` and `GET {ark_base_url}/files`, `GET` and `DELETE /files/{id}`):

* *Processing.* An upload is `processing`; the first `GET` of it finds it `active`, or `failed` if its content is
  no image, video, audio or PDF, or a PDF that cannot be read. `server.files` has the stored files, and controls:
  `process_for`, `fail_next`, `add`, `limit_quota`. Files expire by the server's clock.
* *URLs.* A file at a URL on this machine is fetched; of others the name decides the type, and the content is
  empty.
* *Use.* Chat and responses accept the `file_id` of an active file of the right type. Of images and audio the
  content counts. About the text of PDFs, uploaded or inline, the answer is the one or two sentences that have
  most in common with the last user message, each with the file's name; if there are none, those at the beginning.
  Tools are called with the same sentences, where the message quotes nothing; a report of tools that returned PDFs
  ends with them.

**Ark embeddings** (`POST {ark_base_url}/embeddings`, `/embeddings/multimodal`):

* *Vectors.* Equal inputs have equal vectors, and texts that share words have similar ones, in Chinese and English;
  see `langchain_volcark.emulator.embedding`. An image or video counts as its bytes, or as the words of its link's
  file name. All parts of a multimodal input become one vector. `instructions` change it slightly.
* *Limits.* Those of each model: lengths, tokens, bytes, support of `dimensions`, `instructions`,
  `sparse_embedding` and `multi_embedding` (without its compression). A text request has at most 256 texts.
* *Models.* The text and vision models of the model list; an unmapped `ep-…` id stands for the newest
  model of the path.

**Ark batch inference** (`POST {ark_base_url}/batch/chat/completions`, `/batch/embeddings`,
`/batch/embeddings/multimodal`): the rules and replies of the paths without `/batch`, but only for endpoints whose
id begins with `ep-bi-`, without streams, and without `cached_tokens` in the usage. It answers at once:
`fail_next(429, "ServerOverloaded", retry_after=…)` simulates an overload, `delay_next` a long wait.

**Ark bots** (`POST {ark_base_url}/bots/chat/completions`), besides the rules of Ark chat:

* *Bots.* Any `bot-…` id: with `plain` in it its model does not think, with `knowledge` in it the bot also searches
  a knowledge base, `bot-missing…` does not exist; `Emulator(endpoints=…)` maps ids to models.
* *Sources.* Plugins search a corpus of a dozen sentences (cruciferous plants, Everest, Peru, a staff handbook) for
  words of the last user message, unless the reply calls the caller's tools. The results are the references, and
  the answer is built from them, with marks `[1]`. A question about the weather gets a weather card for the city it
  names, else that of `user_info`.
* *Metadata.* Checked and returned. In a group chat the target character answers, else the first. If the intention
  signal is requested, a stream with results begins with a chunk whose `metadata` has `intention`; its position in
  the real service is not documented.
* *Usage.* In `bot_usage` search results count as prompt, and `action_details` list the plugins' actions.
* *Trigger words.* `EMULATOR_SENSITIVE_INPUT` is `SensitiveContentDetected` here. `EMULATOR_REFERENCES_…` sets the
  position of the references in a stream: `FIRST` (the default), `DELTA`, `TEXT`, `MIDDLE`, `LAST`, `USAGE`,
  `TWICE`, `GROWING`; see `langchain_volcark.emulator.ark.bot_wire`. `EMULATOR_MARKS_…` sets the reference marks in
  the text: `CARET` `^[1]^`, `FOOTNOTE` `[^1]`, `LENTICULAR` `【1】`, `NONE`. `EMULATOR_PLAIN_USAGE`: `usage`, and
  `bot_usage` null.

**Ark images** (`POST {ark_base_url}/images/generations`, with an API key only):

* *Pictures.* Real PNG or JPEG files that show the prompt as text, the same for the same request; a ratio in the
  prompt (`16:9`) sets the shape of a size such as `2K`. A group has as many pictures as the prompt says
  (`3 pictures`, `3张`), else as many as are allowed. Layers are the picture and two boxes in it.
* *Links.* Served by the emulator without a key, for a day by the server's clock; a key sent along is an error.
* *Limits.* Those of each model: sizes, parameters, number and format of reference pictures. Links to reference
  pictures are not fetched.
* *Trigger words.* `EMULATOR_SENSITIVE_INPUT` refuses the prompt, `EMULATOR_REFUSE_OUTPUT` and
  `EMULATOR_REFUSE_IMAGE` all pictures, `EMULATOR_REFUSE_IMAGE_2` the second one. `EMULATOR_FAIL_IMAGE_2` is an
  internal error at the second one, after which no more pictures are made.

**Ark control plane** (`POST {control_base_url}/?Action=GetApiKey&Version=2024-01-01`): the signature is verified;
the data plane accepts the returned temporary key for the requested resources until it expires.

**VikingDB knowledge base** (`POST {knowledge_base_url}/api/knowledge/…`):

* *Documents.* `Emulator(documents=folder)` fills the collection `demo` (`kb-demo`) with the folder's files, as
  `langchain_volcark.emulator.knowledge.corpus` says; by default it contains documents of a ferry line in English
  and Chinese.
* *Search* (`collection/search_knowledge`). Scores are a weighted sum of dense and sparse similarity. There are
  filters on declared fields, reranking (by how much of the question a chunk covers), rewriting (prepends the
  previous user message), adjacent chunks, folders, and links that can be downloaded.
* *Chat* (`chat/completions`). The texts of Ark chat above, thinking included. A stream ends with `end` and
  `[DONE]`.
* *Packaged services* (`service/chat`). `kb-service-demo` searches and answers from the results,
  `kb-service-demo-search` only searches. A stream ends with `end` alone.
* *Reranking* (`service/rerank`), and `GET /ping`.
* *Authentication.* Signatures are verified, with or without a signed host; packaged services accept their key too.
* *Trigger words.* `EMULATOR_REFUSE_OUTPUT` in the question: error 1000030, with HTTP 200, in a stream after
  the first piece.

**Qianfan V2** (`POST {qianfan_base_url}/chat/completions`, `/embeddings`, `/rerank`): answers, tools, thinking and
JSON by the rules of Ark chat; Baidu's own models finish with `normal`. Messages must come in the documented
order. `web_search` finds three made-up results: `enable_trace` returns them, `enable_citation` marks them,
`enable_status` begins a stream with a status chunk. `EMULATOR_SENSITIVE_INPUT` in any message gets `flag`,
`ban_round` and `finish_reason: content_filter`. The model `ernie-bot` is offline; unknown ones get a 401.

**Qianfan V1** (`POST {qianfan_v1_base_url}/chat/{endpoint}`, `/embeddings/{endpoint}`, `/reranker/{endpoint}`):
accepts an access token or a verified `bce-auth-v1` signature; errors have HTTP status 200. The endpoint of a
preset model has functions, search and `finish_reason`; any other endpoint is a custom service with the fields of
its page and 4,800 characters, whose answers begin with a space. `no_such_service` does not exist,
`unpublished_service` is not published. `{token_url}` issues access tokens for `client_id` and `client_secret`,
`{iam_base_url}/v1/BCE-BEARER/token` short-term keys for signed requests; `expire_qianfan_tokens()` expires all of
them.

**A real model** (`Emulator(upstream="http://127.0.0.1:11434/v1")`, `--upstream URL`): an OpenAI-compatible
server (Ollama, vLLM, llama.cpp) writes the answers, within the rules above.

* *Requests.* Credentials, models and all rules for requests still apply; refused requests are not forwarded. The
  server receives only what the caller set, for the one model named by `upstream_model`.
* *Replies.* Its text, reasoning, tool calls, finish reasons and token counts, in the service's wire format;
  missing counts are computed by `langchain_volcark.emulator.tokens`. A repeated prefill is removed. Its errors,
  timeouts and interrupted streams become errors of the service; if the caller disconnects, the request is
  cancelled.
* *Refused.* Hosted tools of Ark's responses.
* *Still emulated.* Results of plugins, web search and knowledge base (bots and packaged services pass them to the
  model), encrypted reasoning, sparse vectors, reranking, `EMULATOR_SENSITIVE_INPUT`. Other trigger words have no
  effect.
* *Embeddings.* Texts only, with the dimensions of the server's model: Ark, and Qianfan V2.

Faults, fixed replies and recorded requests: see `Controls`, the base class of `Emulator`; over HTTP they are under
`/_emulator/`.
"""

try:
    from langchain_volcark.emulator.server import Emulator
except ImportError as error:
    if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "h11", "PIL", "python_multipart"):
        raise
    raise ImportError(
        'The emulator needs packages that are not installed: pip install "langchain-volcark[emulator]"',
        name=error.name,
    ) from error

from langchain_volcark.emulator.ark.files.store import Files, StoredFile
from langchain_volcark.emulator.control import Controls
from langchain_volcark.emulator.state import RecordedRequest

__all__ = ["Controls", "Emulator", "Files", "RecordedRequest", "StoredFile"]
