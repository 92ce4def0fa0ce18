"""What the demo's developer writes, and what its memories say."""

from __future__ import annotations

PROMPTS = (
    "Refactor the session manager so that metrics are keyed by session id, and keep the tests.",
    "Pourquoi le WebSocket se reconnecte-t-il en boucle après la mise en veille ?",
    "Write a migration that adds `external_session_id` to `sessions` without locking the table.",
    "Explique-moi cette trace : `RuntimeError: Event loop is closed` dans conftest.py",
    "The chart flickers on every metric. Find out why, then fix it with the smallest diff.",
    "Ajoute des tests pour le cas où deux onglets changent de session en même temps.",
    "@file src/kimi_proxy/proxy/router.py what happens when the provider answers 429?",
    "Renomme `ctx` en `context` partout dans services/, sauf dans l'API publique.",
    "Can we drop the lock around `broadcast()`? Show me an interleaving that breaks.",
    "Relis ce diff comme un relecteur exigeant : nommage, erreurs, cas limites.",
    "Turn this nested loop into a single SQL query, and explain the plan SQLite picks.",
    "Le total des tokens ne correspond pas à prompt + completion. Normal ?",
    "Add type hints to `compaction.py`; mypy --strict must pass.",
    "Écris la docstring de `merge_data_sources` : quoi, pourquoi, et un exemple.",
    "@codebase where do we decide which provider a model is routed to?",
    "La CI échoue sur Python 3.11 seulement : `datetime.UTC` ? Propose un correctif.",
    "Make the retry back off exponentially with jitter; unit test it without sleeping.",
    "Génère un jeu de données : 200 requêtes, trois modèles, une compaction au milieu.",
    "Why is `asyncio.gather` swallowing the second exception here?",
    "Traduis les messages d'erreur en français, sans changer les clés.",
    "Here is the flame graph. 38 % in `json.dumps`. What would you try first?",
    "Corrige l'accessibilité du menu : focus visible, flèches, Échap.",
    "Split this 900-line module along its seams. Start with a plan, no code yet.",
    "Le `LIMIT 50` coupe l'historique. Où faut-il paginer, serveur ou client ?",
    "Check this regex for catastrophic backtracking: `^(\\s*\\w+\\s*,?)+$`",
    "Implémente l'export CSV en flux, sans tout charger en mémoire.",
    "@file docker-compose.yml the healthcheck passes before the database is ready.",
    "Ce test est instable une fois sur vingt. Trouve la course et propose un correctif.",
    "Compare LRU and LFU for the config cache: ten sessions, heavy skew towards two.",
    "Peut-on supprimer cette dépendance ? On n'utilise qu'une fonction de 12 lignes.",
    "Draft the release notes from these commits; group by what users will notice.",
    "Le graphique affiche 104 % : bug d'affichage ou vraie saturation du contexte ?",
    "Write a property test: decode(encode(x)) == x, for every frame type.",
    "Simplifie cette condition : `if not (a is None or not b) and (b or a):`",
    "The alert should fire once per level, not on every request. Where is that state?",
    "Ajoute un mode sombre qui respecte `prefers-color-scheme`, sans flash au chargement.",
    "Rebase went wrong: here is `git reflog`. How do I get my two commits back?",
    "Explique la différence entre tokens estimés et tokens réels pour un débutant.",
    "Paste of the whole server log below. Which request started the cascade?",
    "Remplace `requests` par `httpx` et garde la même politique de délais.",
    "Show <script>alert(1)</script> as text in the preview column; it must never run.",
    "OK, continue.",
)
"""Prompts, as a preview shows them: a developer's, in two languages."""

PASTED_LOG = "@file logs/core.log (entire file): find the first error and what led to it."
PASTED_TREE = "@codebase (entire repository): draw the dependency graph of all modules."

MEMORIES = (
    (
        "Conventions du dépôt",
        "configuration",
        "Python 3.11+, typage strict, docstrings Google, lignes de 100 caractères au plus.",
    ),
    (
        "Architecture en couches",
        "architecture",
        "API → services → domaine → stockage ; les dépendances ne remontent jamais.",
    ),
    (
        "Counting tokens",
        "technique",
        "Estimates use one tokenizer for all models; real counts come from the provider.",
    ),
    (
        "Temps réel",
        "communication",
        "Chaque requête donne deux messages : l'estimation, puis les nombres réels.",
    ),
    (
        "Choices already made",
        "decision",
        "SQLite stays; no ORM. The dashboard must work offline, without a build step.",
    ),
)
"""Memories used most: title, type and text."""
