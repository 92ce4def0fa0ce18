"""The providers and models that the demo pretends to be configured for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT_PROVIDER = "managed:kimi-code"
DEFAULT_WINDOW = 262_144


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model.

    Attributes:
        key: what an IDE asks for.
        upstream: what its provider calls it.
        window: tokens of the context window.
        bias: real tokens per token that the proxy estimated: each model has a tokenizer of
            its own, and the proxy counts with one for all.
    """

    key: str
    upstream: str
    label: str
    window: int
    bias: float
    capabilities: tuple[str, ...] = ("tool_use", "coding")

    def to_row(self) -> dict[str, Any]:
        """Return it as it is listed below its provider."""
        return {
            "key": self.key,
            "model": self.upstream,
            "name": self.label,
            "max_context_size": self.window,
            "capabilities": list(self.capabilities),
        }


@dataclass(frozen=True, slots=True)
class DemoProvider:
    """A provider with its models; ``icon`` and ``color`` are the proxy's names for them."""

    key: str
    type: str
    label: str
    icon: str
    color: str
    models: tuple[DemoModel, ...]

    def to_row(self) -> dict[str, Any]:
        """Return it as ``GET /api/providers`` lists it."""
        return {
            "key": self.key,
            "type": self.type,
            "name": self.label,
            "has_api_key": True,
            "icon": self.icon,
            "color": self.color,
            "models": [model.to_row() for model in self.models],
        }

    def to_detail(self, *, is_active: bool) -> dict[str, Any]:
        """Return it as it comes along with a session; ``info`` only with the active one.

        The real proxy's ``info`` holds the API key, too. There is none here to give away.
        """
        row: dict[str, Any] = {"key": self.key, "name": self.label}
        if is_active:
            row["info"] = {"type": self.type, "base_url": f"https://{self.key}.example/v1"}
        return row | {"color": self.color, "icon": self.icon}


_THINKING = ("tool_use", "thinking")
_SEEING = ("tool_use", "multimodal", "coding", "thinking")

PROVIDERS = (
    DemoProvider(
        DEFAULT_PROVIDER,
        "kimi",
        "🌙 Kimi Code",
        "bot",
        "purple",
        (
            DemoModel(
                "kimi-code/kimi-for-coding", "kimi-for-coding", "Kimi for Coding", 262_144, 1.08
            ),
        ),
    ),
    DemoProvider(
        "nvidia",
        "openai",
        "🟢 NVIDIA",
        "gpu",
        "green",
        (
            DemoModel(
                "nvidia/kimi-k2.5", "moonshotai/kimi-k2.5", "Kimi K2.5", 262_144, 1.09, _SEEING
            ),
            DemoModel("nvidia/glm-5", "z-ai/glm5", "Glm 5", 204_800, 1.12, _THINKING),
        ),
    ),
    DemoProvider(
        "anthropic",
        "anthropic",
        "🟠 Anthropic",
        "feather",
        "orange",
        (
            DemoModel(
                "anthropic/claude-sonnet-4.5",
                "claude-sonnet-4-5",
                "Claude Sonnet 4.5",
                200_000,
                1.21,
                _SEEING,
            ),
        ),
    ),
    DemoProvider(
        "openai",
        "openai",
        "⚪ OpenAI",
        "circle",
        "slate",
        (DemoModel("openai/gpt-4.1-mini", "gpt-4.1-mini", "GPT-4.1 mini", 128_000, 1.045),),
    ),
    DemoProvider(
        "gemini",
        "gemini",
        "💎 Gemini",
        "sparkles",
        "indigo",
        (
            DemoModel(
                "gemini/gemini-2.5-pro",
                "gemini-2.5-pro",
                "Gemini 2.5 Pro",
                1_048_576,
                1.15,
                _SEEING,
            ),
        ),
    ),
    DemoProvider(
        "mistral",
        "openai",
        "🔶 Mistral",
        "wind",
        "amber",
        (DemoModel("mistral/mistral-large", "mistral-large-2411", "Mistral Large", 131_072, 1.17),),
    ),
)

_BY_NAME = {
    name: model
    for provider in PROVIDERS
    for model in provider.models
    for name in (model.key, model.upstream)
}
_UNKNOWN_MODEL = DemoModel("", "", "", DEFAULT_WINDOW, 1.1)


def find_model(name: str | None) -> DemoModel:
    """Return a model by its key or its provider's name for it.

    Any other name stands for some model with the proxy's default window.
    """
    return _BY_NAME.get(name or "", _UNKNOWN_MODEL)


def find_provider(key: str) -> DemoProvider | None:
    """Return a provider by its key, or None."""
    return next((provider for provider in PROVIDERS if provider.key == key), None)


def model_rows() -> list[dict[str, Any]]:
    """Return all models in one list, as ``GET /api/models`` does."""
    return [
        model.to_row() | {"provider": provider.key}
        for provider in PROVIDERS
        for model in provider.models
    ]
