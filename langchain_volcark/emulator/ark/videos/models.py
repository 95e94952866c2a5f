"""The emulated video models and what each can do.

From the task API https://www.volcengine.com/docs/82379/1520757 and the model list
https://www.volcengine.com/docs/82379/1330310, state of November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DEFAULT_VIDEO_MODEL = "doubao-seedance-2-0-260128"

_UP_TO_720P = ("480p", "720p")
_UP_TO_1080P = (*_UP_TO_720P, "1080p")


@dataclass(frozen=True)
class VideoModel:
    """One model.

    Attributes:
        id: The model id, date suffix included.
        modes: What it makes videos from: `t2v` text, `i2v` a first frame, `flf2v` first and last frame, `r2v`
            references, `draft` a draft task.
        resolutions: Allowed values of `resolution`.
        default_resolution: The value if there is none.
        durations: Minimum and maximum of `duration`, in seconds.
        auto_duration: Whether `duration` may be -1: the model chooses.
        frames: Whether it supports `frames`.
        camera_fixed: Whether it supports `camera_fixed`.
        audio: Whether it supports `generate_audio`.
        draft: Whether it supports `draft`.
        flex: Whether it supports `service_tier` `flex`.
        tools: Whether it supports `tools`.
        references: Maximum number of reference images, videos and audio files.
        audio_alone: Whether audio may be the only reference.
        adaptive: For which modes `ratio` may be `adaptive`.
        follows_input: Whether a video from frames must have the ratio of the first one.
        movie: Whether it supports `output_format` `mov` and `omni_reference_task_type`.
    """

    id: str
    modes: frozenset[str]
    resolutions: tuple[str, ...] = _UP_TO_1080P
    default_resolution: str = "720p"
    durations: tuple[int, int] = (4, 15)
    auto_duration: bool = True
    frames: bool = False
    camera_fixed: bool = False
    audio: bool = True
    draft: bool = False
    flex: bool = False
    tools: bool = True
    references: tuple[int, int, int] = (9, 3, 3)
    audio_alone: bool = False
    adaptive: frozenset[str] = frozenset({"t2v", "i2v", "flf2v", "r2v"})
    follows_input: bool = False
    movie: bool = False

    @property
    def name(self) -> str:
        """The id without its date, as error messages name it."""
        return self.id.rpartition("-")[0]


_FRAMES = frozenset({"t2v", "i2v", "flf2v"})
_SEEDANCE_2_0 = VideoModel(DEFAULT_VIDEO_MODEL, _FRAMES | {"r2v"}, (*_UP_TO_1080P, "4k"))
_SEEDANCE_1_0 = VideoModel(
    "doubao-seedance-1-0-pro-250528",
    _FRAMES,
    default_resolution="1080p",
    durations=(2, 12),
    auto_duration=False,
    frames=True,
    camera_fixed=True,
    audio=False,
    flex=True,
    tools=False,
    references=(0, 0, 0),
    adaptive=frozenset({"i2v", "flf2v"}),
)
_LITE = replace(_SEEDANCE_1_0, default_resolution="720p")

_ALL = (
    replace(
        _SEEDANCE_2_0,
        id="doubao-seedance-2-5-260628",
        resolutions=_UP_TO_1080P,
        durations=(4, 30),
        references=(30, 10, 10),
        audio_alone=True,
        follows_input=True,
        movie=True,
    ),
    _SEEDANCE_2_0,
    replace(_SEEDANCE_2_0, id="doubao-seedance-2-0-fast-260128", resolutions=_UP_TO_720P),
    replace(_SEEDANCE_2_0, id="doubao-seedance-2-0-mini-260615", resolutions=_UP_TO_720P),
    VideoModel(
        "doubao-seedance-1-5-pro-251215",
        _FRAMES | {"draft"},
        durations=(4, 12),
        camera_fixed=True,
        draft=True,
        flex=True,
        tools=False,
        references=(0, 0, 0),
    ),
    _SEEDANCE_1_0,
    replace(_SEEDANCE_1_0, id="doubao-seedance-1-0-pro-fast-251015", modes=frozenset({"t2v", "i2v"})),
    replace(_LITE, id="doubao-seedance-1-0-lite-t2v-250428", modes=frozenset({"t2v"})),
    replace(
        _LITE,
        id="doubao-seedance-1-0-lite-i2v-250428",
        modes=frozenset({"i2v", "flf2v", "r2v"}),
        references=(4, 0, 0),
    ),
)

VIDEO_MODELS = {model.id: model for model in _ALL}

_BY_RATIO = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")


def _sizes(*sizes: tuple[int, int]) -> dict[str, tuple[int, int]]:
    return dict(zip(_BY_RATIO, sizes, strict=True))


SIZES = {
    "480p": _sizes((864, 496), (752, 560), (640, 640), (560, 752), (496, 864), (992, 432)),
    "720p": _sizes((1280, 720), (1112, 834), (960, 960), (834, 1112), (720, 1280), (1470, 630)),
    "1080p": _sizes((1920, 1080), (1664, 1248), (1440, 1440), (1248, 1664), (1080, 1920), (2206, 946)),
    "4k": _sizes((3840, 2160), (3326, 2494), (2880, 2880), (2494, 3326), (2160, 3840), (4398, 1886)),
}
"""Width and height by `resolution` and `ratio`."""
