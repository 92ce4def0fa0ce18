"""Providers and models, as each recorded version of the proxy lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace

DEFAULT_MAX_CONTEXT = 262144
DEFAULT_PROVIDER = "managed:kimi-code"


@dataclass(frozen=True)
class Model:
    """One model: `key` is what an IDE asks for, `name` what the provider calls it."""

    key: str
    upstream: str
    label: str
    provider: str
    max_context: int
    capabilities: tuple[str, ...]

    def row(self) -> dict[str, object]:
        """The model as it is listed below its provider."""
        return {
            "key": self.key,
            "model": self.upstream,
            "name": self.label,
            "max_context_size": self.max_context,
            "capabilities": list(self.capabilities),
        }

    def flat_row(self) -> dict[str, object]:
        """The model as it is listed without its provider around it."""
        row = self.row()
        return {
            "key": row["key"],
            "model": row["model"],
            "name": row["name"],
            "provider": self.provider,
            "max_context_size": row["max_context_size"],
            "capabilities": row["capabilities"],
        }


@dataclass(frozen=True)
class Provider:
    """One provider; `info` is the configuration that the proxy leaks, fake key included."""

    key: str
    type: str
    name: str
    icon: str
    color: str
    base_url: str
    api_key: str

    @property
    def info(self) -> dict[str, str]:
        """The provider's configuration, which the real proxy sends to the dashboard whole."""
        return {"type": self.type, "base_url": self.base_url, "api_key": self.api_key}


_UPSTREAM = "http://127.0.0.1:9101"

KIMI_CODE = Provider(
    "managed:kimi-code",
    "kimi",
    "🌙 Kimi Code",
    "bot",
    "purple",
    f"{_UPSTREAM}/kimi/v1",
    "sk-fake-kimi",
)
NANO_GPT = Provider(
    "nano-gpt",
    "openai",
    "Nano Gpt",
    "cpu",
    "slate",
    f"{_UPSTREAM}/nano-gpt/v1",
    "sk-fake-nano-gpt",
)
GEMINI = Provider(
    "gemini",
    "gemini",
    "💎 Gemini",
    "sparkles",
    "indigo",
    f"{_UPSTREAM}/gemini/v1beta",
    "fake-gemini",
)
OPENROUTER = Provider(
    "openrouter",
    "openai",
    "🔀 OpenRouter",
    "git-branch",
    "orange",
    f"{_UPSTREAM}/openrouter/v1",
    "sk-fake-openrouter",
)
NVIDIA = Provider(
    "nvidia",
    "openai",
    "🟢 NVIDIA",
    "gpu",
    "green",
    f"{_UPSTREAM}/nvidia/v1",
    "sk-fake-nvidia-000",
)

_GEMINI_MODELS = (
    Model(
        "gemini/gemini-2.5-flash",
        "gemini-2.5-flash",
        "Gemini 2.5 Flash",
        "gemini",
        1048576,
        ("tool_use", "multimodal"),
    ),
    Model(
        "gemini/gemini-2.5-flash-lite",
        "gemini-2.5-flash-lite",
        "Gemini 2.5 Flash Lite",
        "gemini",
        1048576,
        ("tool_use", "multimodal"),
    ),
    Model(
        "gemini/gemini-2.5-pro",
        "gemini-2.5-pro",
        "Gemini 2.5 Pro",
        "gemini",
        1048576,
        ("tool_use", "multimodal", "premium"),
    ),
    Model(
        "gemini/gemini-3-flash-preview",
        "gemini-3-flash-preview",
        "Gemini 3 Flash Preview",
        "gemini",
        1048576,
        ("tool_use", "preview"),
    ),
)
_NVIDIA_MODELS = (
    Model(
        "nvidia/deepseek-v3.2",
        "deepseek-ai/deepseek-v3.2",
        "Deepseek V3.2",
        "nvidia",
        164000,
        ("tool_use",),
    ),
    Model("nvidia/glm-4.7", "z-ai/glm4.7", "Glm 4.7", "nvidia", 64000, ("autocomplete", "coding")),
    Model("nvidia/glm-5", "z-ai/glm5", "Glm 5", "nvidia", 204800, ("tool_use",)),
    Model(
        "nvidia/gpt-oss-120b",
        "openai/gpt-oss-120b",
        "Gpt Oss 120B",
        "nvidia",
        131072,
        ("reasoning",),
    ),
    Model(
        "nvidia/kimi-k2-thinking",
        "moonshotai/kimi-k2-thinking",
        "Kimi K2 Thinking",
        "nvidia",
        262144,
        ("thinking", "video_in", "image_in"),
    ),
    Model(
        "nvidia/kimi-k2.5",
        "moonshotai/kimi-k2.5",
        "Kimi K2.5",
        "nvidia",
        262144,
        ("thinking", "video_in", "image_in"),
    ),
    Model(
        "nvidia/mistral-large-3-675b",
        "mistralai/mistral-large-3-675b-instruct-2512",
        "Mistral Large 3 675B",
        "nvidia",
        262144,
        ("tool_use",),
    ),
    Model(
        "nvidia/qwen3-coder-480b",
        "qwen/qwen3-coder-480b-a35b-instruct",
        "Qwen3 Coder 480B",
        "nvidia",
        262144,
        ("tool_use", "coding"),
    ),
    Model(
        "nvidia/qwen3-next-80b-a3b-thinking",
        "qwen/qwen3-next-80b-a3b-thinking",
        "Qwen3 Next 80B A3B Thinking",
        "nvidia",
        131072,
        ("tool_use", "thinking"),
    ),
)
_OPENROUTER_MODELS = (
    Model(
        "openrouter/aurora-alpha",
        "openrouter/aurora-alpha",
        "Aurora Alpha",
        "openrouter",
        128000,
        ("tool_use",),
    ),
)
_ALIASES = (
    Model(
        "managed:kimi-code/kimi-for-coding",
        "kimi-for-coding",
        "Kimi For Coding",
        "managed:kimi-code",
        262144,
        ("coding", "tool_use", "thinking"),
    ),
    Model(
        "kimi-code/kimi-for-coding",
        "kimi-for-coding",
        "Kimi for Coding",
        "managed:kimi-code",
        262144,
        ("coding", "tool_use", "thinking"),
    ),
    Model(
        "nano-gpt/kimi-k2.5",
        "moonshotai/kimi-k2.5",
        "Kimi K2.5",
        "nano-gpt",
        262144,
        ("thinking", "video_in", "image_in", "tool_use"),
    ),
    Model(
        "nano-gpt/kimi-k2.5-thinking",
        "moonshotai/kimi-k2.5:thinking",
        "Kimi K2.5 Thinking",
        "nano-gpt",
        262144,
        ("thinking", "video_in", "image_in", "tool_use"),
    ),
    Model(
        "deepseek-ai/deepseek-v3.2",
        "deepseek-ai/deepseek-v3.2",
        "Deepseek V3.2",
        "nvidia",
        164000,
        ("tool_use",),
    ),
)


def _without(models: tuple[Model, ...], key: str) -> tuple[Model, ...]:
    return tuple(model for model in models if model.key != key)


_LATER_CAPABILITIES = {
    "gemini": ("coding", "autocomplete", "thinking"),
    "nvidia/deepseek-v3.2": ("thinking",),
    "deepseek-ai/deepseek-v3.2": ("thinking",),
    "nvidia/glm-4.7": ("tool_use",),
    "nvidia/glm-5": ("thinking",),
    "nvidia/gpt-oss-120b": ("tool_use",),
    "nvidia/kimi-k2-thinking": ("tool_use",),
    "nvidia/kimi-k2.5": ("tool_use",),
    "openrouter/aurora-alpha": ("coding",),
}
"""Capabilities that the second version added, by model key or by provider."""


def _extended(models: tuple[Model, ...]) -> tuple[Model, ...]:
    added = _LATER_CAPABILITIES
    return tuple(
        replace(
            model,
            capabilities=(
                *model.capabilities,
                *added.get(model.key, ()),
                *added.get(model.provider, ()),
            ),
        )
        for model in models
    )


FIRST_PROVIDERS = (GEMINI, OPENROUTER, NVIDIA)
FIRST_MODELS = (*_GEMINI_MODELS, *_NVIDIA_MODELS, *_OPENROUTER_MODELS)

SECOND_MODELS = _extended(_without(FIRST_MODELS, "nvidia/qwen3-coder-480b"))

THIRD_PROVIDERS = (KIMI_CODE, NANO_GPT, GEMINI, OPENROUTER, NVIDIA)
THIRD_MODELS = _extended(
    (
        *_GEMINI_MODELS,
        *_ALIASES[:4],
        _NVIDIA_MODELS[0],
        _ALIASES[4],
        *_without(_NVIDIA_MODELS[1:], "nvidia/qwen3-coder-480b"),
        *_OPENROUTER_MODELS,
    )
)

FALLBACK_LOOKS = {
    DEFAULT_PROVIDER: (KIMI_CODE.name, KIMI_CODE.color, KIMI_CODE.icon),
}
"""Name, colour and icon of a provider that is shown although it is not configured."""
