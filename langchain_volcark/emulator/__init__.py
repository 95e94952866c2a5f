"""A local server that speaks the services' wire formats: an offline double for tests, demos and other languages.

    with Emulator() as server:
        ChatArk(model="doubao-seed-2-1-pro-260915", base_url=server.ark_base_url, api_key=server.api_key)

Or from a shell, for a client in any language: `python -m langchain_volcark.emulator --port 8080`.

It is no model. It checks a request against the documented rules, refuses what the service would refuse in the
service's own words, and makes a reply by the rules below: the same request always gets the same reply, but for ids
and times. It shares no code with the rest of the package, so that the two can disagree.

**Ark chat** (`POST {ark_base_url}/chat/completions`, `GET /models`, `POST /tokenization`):

* *Text.* The answer is `You said: …` (`你说：…` to Chinese) with the last user message, its first 400 characters.
  `count to 500` (`数到500`) anywhere in it gets the numbers, up to 10,000: a reply as long as you need.
* *Material.* A system message with blocks between `<context>` and `</context>`, parted by lines of `---`: the
  answer is the two sentences of them that have most in common with the last user message, each with its block's
  number.
* *Continuation.* A last message of the assistant's is continued: the reply holds only what comes after it.
* *Thinking.* A model whose thinking is on sends one to three sentences of `reasoning_content`, by effort; the
  seed-2-1 family `encrypted_content` too.
* *Tools.* Offered tools are called after a user's message: those it names, else the one whose name shares most
  words with it (`get_weather` for "what is the weather"), else the first. `tool_choice` is obeyed. After the
  results comes a text that reports them, unless the user named another tool not yet called: then that one is
  called.
* *Arguments and JSON.* Made from the schema with the prompt's own numbers, quotations and `name: value` pairs; see
  `langchain_volcark.emulator.schema`. A `json_object` has the keys that stand in quotation marks in the prompt, or
  those of a JSON schema written there.
* *Limits.* `stop`, `max_tokens`, `max_completion_tokens` cut, also in the middle of a tool's arguments. Tokens are
  counted as `langchain_volcark.emulator.tokens` says; a beginning of 256 tokens or more that was sent before, in
  whole messages, counts as cached.
* *Words that trigger.* `EMULATOR_SENSITIVE_INPUT` in any message, but not quoted in backticks: 400
  `InputTextSensitiveContentDetected`. In the last user message: `EMULATOR_FILTER_OUTPUT`, half an answer with
  `finish_reason: content_filter` (and `moderation_hit_type` on vision models); `EMULATOR_REFUSE_OUTPUT`,
  `OutputTextSensitiveContentDetected`, in a stream half-way through.
* *Models.* The ids of the model list; any `ep-…` id (`Emulator(endpoints=…)` says which model it stands for);
  `doubao-seed-not-open-260101` is not activated (`ModelNotOpen`); `ep-closed-…` is stopped
  (`InvalidEndpoint.ClosedEndpoint`).

**Ark responses** (`POST {ark_base_url}/responses`; `GET` and `DELETE /responses/{id}`,
`GET /responses/{id}/input_items`), besides the rules of Ark chat:

* *Answers.* Texts, tools, thinking, JSON and limits as in chat. Models from 2026-04-15 on show a summary of their
  thinking, and seal it where `include` asks. A model of before June 2025 does not know this API.
* *Storage.* By the server's clock, which `shift_clock` moves. A chain belongs to the model or endpoint that began
  it; a deleted response is left out of it. A stream that broke off left nothing.
* *Caches.* A chain with `caching` counts all that it had as cached; a prefix needs 256 tokens.
* *Search* (`web_search`). The bots' corpus and weather; for what finds something, or asks for news or a search, or
  is forced. Parts between semicolons are rounds. Sources are unmarked unless `EMULATOR_MARKS_…` asks: `NUMBER`,
  `CARET`, `FOOTNOTE`, `LENTICULAR`.
* *Knowledge* (`knowledge_search`). The collection `kb-demo` of the knowledge base below; with any other id, or a
  filter it cannot apply, the search fails and the answer goes on.
* *MCP.* A server on this machine is really asked, for ten seconds at most. Any other has one canned tool,
  `ask_question`. Tools are chosen as functions are; approval goes round as documented.
* *Pictures* (`image_process`). What the words name, else the first operation allowed. `image 3` is the third;
  there are none behind the links of the results.
* *Doubao's apps* answer in blocks, from the same corpus.
* *Beside hosted tools* a function is called where the words name it, or share one with its name.
* *Words that trigger*, in the last user message. `EMULATOR_END_…` breaks the answer off: `FAILED` by
  `response.failed`, `ERROR` by an `error` event, `ENVELOPE` by a bare envelope, `MISSING` by `[DONE]` alone.
  `EMULATOR_RAW_THINKING` shows thinking as raw text.
* *Accounts.* `close_tools("web_search")` lets a hosted tool be as in an account that has not activated it.

**Ark embeddings** (`POST {ark_base_url}/embeddings`, `/embeddings/multimodal`):

* *Vectors.* Equal inputs have equal vectors, texts that share words near ones, in Chinese and English; see
  `langchain_volcark.emulator.embedding`. An image or video sent as data is its bytes; behind a link, the words of
  the link's file name. All parts of a multimodal input become one vector. `instructions` move it a little.
* *Limits.* Those of each model: lengths, tokens, bytes, which of `dimensions`, `instructions`, `sparse_embedding`
  and `multi_embedding` it takes (not its compression). A text endpoint takes at most 256 texts.
* *Models.* The text and vision models of the model list; an `ep-…` id that nobody described stands for the newest
  of those that the path is for.

**Ark bots** (`POST {ark_base_url}/bots/chat/completions`), besides the rules of Ark chat:

* *Bots.* Any `bot-…` id: one with `plain` in it answers with a model that does not think, one with `knowledge` in
  it searches a knowledge base too, `bot-missing…` does not exist; `Emulator(endpoints=…)` may say which model any
  stands for.
* *Sources.* Plugins search a corpus of a dozen sentences (cruciferous plants, Everest, Peru, a staff handbook) for
  words of the last user message, unless the reply calls the user's own tools. What they find are the references,
  and the answer is made of it, with marks `[1]`. A question about the weather gets a weather card: for the city it
  names, else that of `user_info`.
* *Metadata.* Checked, and echoed. In a group chat the target character speaks, else the first. Asked for the
  intention signal, a stream that found something begins with a chunk whose `metadata` has `intention` besides;
  where the real service puts it is not documented.
* *Usage.* `bot_usage`: what was found counts as prompt, `action_details` tell what the plugins did.
* *Words that trigger.* `EMULATOR_SENSITIVE_INPUT` is `SensitiveContentDetected` here. `EMULATOR_REFERENCES_…` says
  where in a stream the references come: `FIRST` (the rule), `DELTA`, `TEXT`, `MIDDLE`, `LAST`, `USAGE`, `TWICE`,
  `GROWING`; see `langchain_volcark.emulator.ark.bot_wire`. `EMULATOR_MARKS_…` how the text marks them: `CARET`
  `^[1]^`, `FOOTNOTE` `[^1]`, `LENTICULAR` `【1】`, `NONE`. `EMULATOR_PLAIN_USAGE`: `usage`, and `bot_usage` null.

**Ark control plane** (`POST {control_base_url}/?Action=GetApiKey&Version=2024-01-01`): the signature is verified;
the temporary key it gives is accepted by the data plane for the resources it names until it expires.

**VikingDB knowledge base** (`POST {knowledge_base_url}/api/knowledge/…`):

* *Documents.* `Emulator(documents=folder)` fills the collection `demo` (`kb-demo`) with the folder's files, as
  `langchain_volcark.emulator.knowledge.corpus` says; a ferry's papers in English and Chinese are there otherwise.
* *Search* (`collection/search_knowledge`). The weighted sum of two likenesses, of vectors and of words; filters on
  declared fields, rerank (how much of the question a chunk speaks about), rewriting (the user's turn before the
  question, put in front of it), neighbours, folders, links that can be downloaded.
* *Chat* (`chat/completions`). The texts of Ark chat above, thinking included. A stream ends with `end` and
  `[DONE]`.
* *Packaged services* (`service/chat`). `kb-service-demo` searches and answers from what it found,
  `kb-service-demo-search` only searches. A stream ends with `end` alone.
* *Reranking* (`service/rerank`), and `GET /ping`.
* *Who may call.* Signatures are verified, with the host signed or not; a packaged service takes its key too.
* *Words that trigger.* `EMULATOR_REFUSE_OUTPUT` in the question: error 1000030, with HTTP 200, in a stream after
  the first piece.

**Qianfan V2** (`POST {qianfan_base_url}/chat/completions`, `/embeddings`, `/rerank`): answers, tools, thinking and
JSON by the rules of Ark chat; Baidu's own models finish with `normal`. Messages must come in the documented
order. `web_search` finds three made-up results: `enable_trace` returns them, `enable_citation` marks them,
`enable_status` begins a stream with a status packet. `EMULATOR_SENSITIVE_INPUT` in any message gets `flag`,
`ban_round` and `finish_reason: content_filter`. The model `ernie-bot` is offline; unknown ones get a 401.

**Qianfan V1** (`POST {qianfan_v1_base_url}/chat/{endpoint}`, `/embeddings/{endpoint}`, `/reranker/{endpoint}`):
takes an access token or a verified `bce-auth-v1` signature, answers errors with HTTP 200. The endpoint of a preset
model has functions, search and `finish_reason`; any other endpoint is a custom service with the fields of its page
and 4,800 characters, whose answers begin with a space. `no_such_service` does not exist, `unpublished_service` is
not published. `{token_url}` exchanges `client_id` and `client_secret`, `{iam_base_url}/v1/BCE-BEARER/token` the
signed IAM pair; `expire_qianfan_tokens()` lets all tokens expire.

**A real model** (`Emulator(upstream="http://127.0.0.1:11434/v1")`, `--upstream URL`): any server that speaks
OpenAI's chat and embeddings (Ollama, vLLM, llama.cpp) writes the replies, in the frame of the rules above.

* *Before.* Credentials, models and every rule for requests stay as they are; what is refused never reaches the
  server. It is asked with what the caller set and no more, for the one model named by `upstream_model`.
* *After.* Its words, reasoning, tool calls, finish reasons and token counts, in the service's wire format; what it
  does not count is counted as `langchain_volcark.emulator.tokens` says. A prefilled beginning that it repeats is
  taken off. Its errors, silence and broken streams are errors in the service's envelope; a caller that leaves ends
  its work.
* *Refused.* Hosted tools of Ark's responses.
* *Kept.* What plugins, web search and knowledge base find (bots and packaged services show it to the model),
  encrypted reasoning, sparse vectors, reranking, `EMULATOR_SENSITIVE_INPUT`. The other words trigger nothing.
* *Embeddings.* Texts only, as long as the server's vectors are: Ark's, and Qianfan's V2.

Faults, dictated replies and recordings: see `Controls`, the base class of `Emulator`; over HTTP they are under
`/_emulator/`.
"""

try:
    from langchain_volcark.emulator.server import Emulator
except ImportError as error:
    if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "h11"):
        raise
    raise ImportError(
        'The emulator needs starlette and uvicorn: pip install "langchain-volcark[emulator]"', name=error.name
    ) from error

from langchain_volcark.emulator.control import Controls
from langchain_volcark.emulator.state import RecordedRequest

__all__ = ["Controls", "Emulator", "RecordedRequest"]
