"""Every text that a person reads, in every language. One entry a text: (English, French).

French puts a no-break space before ``: ; ! ? %`` and inside « ». Counted texts come as
``.one`` and ``.other``.
"""

from __future__ import annotations

LANGUAGES = ("en", "fr")
"""The languages, in the order of each entry; the first is the fallback."""

CATALOGUE: dict[str, tuple[str, str]] = {
    "accuracy.bias": (
        "Bias",
        "Biais",
    ),
    "accuracy.bias_help": (
        "Median of real ÷ estimated",
        "Médiane de réel ÷ estimé",
    ),
    "accuracy.by_model": (
        "Bias, spread and count, over the session and by model",
        "Biais, dispersion et nombre, pour la session et par modèle",
    ),
    "accuracy.count": (
        "Count",
        "Nombre",
    ),
    "accuracy.count_help": (
        "Requests with real counts",
        "Requêtes dont le compte réel est connu",
    ),
    "accuracy.diff": (
        "Difference",
        "Écart",
    ),
    "accuracy.estimated": (
        "Estimated",
        "Estimés",
    ),
    "accuracy.model": (
        "Model",
        "Modèle",
    ),
    "accuracy.no_estimate": (
        "This proxy keeps no estimate once the real count is there: nothing to compare.",
        "Ce proxy ne garde pas l’estimation une fois le compte réel connu\u00a0: rien à comparer.",
    ),
    "accuracy.real": (
        "Real",
        "Réels",
    ),
    "accuracy.session": (
        "Whole session",
        "Session entière",
    ),
    "accuracy.spread": (
        "Spread",
        "Dispersion",
    ),
    "accuracy.spread_help": (
        "Half of the requests are within this of the bias",
        "La moitié des requêtes sont à moins de cet écart du biais",
    ),
    "accuracy.title": (
        "Estimate vs real",
        "Estimé et réel",
    ),
    "alert.critical.message": (
        "Compact it now, or open a new session.",
        "Compactez maintenant, ou ouvrez une nouvelle session.",
    ),
    "alert.critical.title": (
        "Context almost full: {percentage}.",
        "Contexte presque plein\u00a0: {percentage}.",
    ),
    "alert.dismiss": (
        "Dismiss the alert",
        "Masquer l’alerte",
    ),
    "alert.high.message": (
        "Compact soon, or open a new session.",
        "Compactez bientôt, ou ouvrez une nouvelle session.",
    ),
    "alert.high.title": (
        "{percentage} of the window used.",
        "{percentage} de la fenêtre utilisés.",
    ),
    "alert.over.message": (
        "The provider may refuse the next request.",
        "Le fournisseur peut refuser la prochaine requête.",
    ),
    "alert.over.title": (
        "Window exceeded: {percentage}.",
        "Fenêtre dépassée\u00a0: {percentage}.",
    ),
    "alert.warning.message": (
        "Plan a compaction or a new session.",
        "Prévoyez un compactage ou une nouvelle session.",
    ),
    "alert.warning.title": (
        "{percentage} of the window used.",
        "{percentage} de la fenêtre utilisés.",
    ),
    "app.name": (
        "Kimi Proxy",
        "Kimi Proxy",
    ),
    "app.no_files": (
        "This page’s files did not load. If the address has no slash at its end, put one there (…/kimi/ instead of …/kimi); otherwise copy the whole dist folder to the host again.",
        "Les fichiers de cette page n’ont pas été chargés. Si l’adresse ne se termine pas par une barre oblique, ajoutez-en une (…/kimi/ au lieu de …/kimi)\u00a0; sinon, copiez à nouveau tout le dossier dist chez l’hôte.",
    ),
    "app.noscript": (
        "This dashboard is a Python program that runs in your browser: it needs JavaScript and WebAssembly switched on to start.",
        "Ce tableau de bord est un programme Python qui s’exécute dans votre navigateur\u00a0: il a besoin de JavaScript et de WebAssembly pour démarrer.",
    ),
    "app.skip": (
        "Skip to the dashboard",
        "Aller au tableau de bord",
    ),
    "auto_session.help": (
        "The proxy opens a session by itself when the IDE changes model or provider.",
        "Le proxy ouvre une session de lui-même quand l’IDE change de modèle ou de fournisseur.",
    ),
    "auto_session.label": (
        "Auto-session",
        "Session auto",
    ),
    "boot.failed": (
        "Python could not start: {reason}",
        "Python n’a pas pu démarrer\u00a0: {reason}",
    ),
    "boot.host_away": (
        "Some files of this page cannot be fetched: its host does not answer. They are asked for again by themselves.",
        "Certains fichiers de cette page ne peuvent pas être chargés\u00a0: son hôte ne répond pas. Ils sont redemandés automatiquement.",
    ),
    "boot.last_seen": (
        "Last seen",
        "Dernier état",
    ),
    "boot.no_wasm": (
        "This page needs WebAssembly, which this browser does not allow here. Allow it for this site: in Edge as an exception from “Enhanced security”, on an iPhone or iPad by excluding the site from Lockdown Mode, in Tor Browser with the security level “Standard”.",
        "Cette page a besoin de WebAssembly, que ce navigateur n’autorise pas ici. Autorisez-le pour ce site\u00a0: dans Edge par une exception à la «\u00a0sécurité renforcée\u00a0», sur iPhone ou iPad en excluant le site du mode Isolement, dans le Navigateur Tor avec le niveau de sécurité «\u00a0Standard\u00a0».",
    ),
    "boot.progress": (
        "{arrived} of {size} MB",
        "{arrived} sur {size} Mo",
    ),
    "boot.reload": (
        "Reload",
        "Recharger",
    ),
    "boot.starting": (
        "Starting Python…",
        "Démarrage de Python…",
    ),
    "boot.too_old": (
        "This browser is too old for this page, which needs Chrome or Edge 95, Firefox 100, Safari 16.4, or newer.",
        "Ce navigateur est trop ancien pour cette page, qui demande au moins Chrome ou Edge 95, Firefox 100 ou Safari 16.4.",
    ),
    "calibration.caption": (
        "Real ÷ estimated, by model",
        "Réel ÷ estimé, par modèle",
    ),
    "calibration.median": (
        "Median",
        "Médiane",
    ),
    "calibration.newest": (
        "Newest: probably {n} tokens",
        "La dernière\u00a0: sans doute {n} tokens",
    ),
    "calibration.newest_title": (
        "Not counted by the provider yet: the proxy estimates {estimate}, earlier requests of this model suggest {low} to {high}",
        "Pas encore comptée par le fournisseur\u00a0: le proxy estime {estimate}, les requêtes précédentes du modèle suggèrent {low} à {high}",
    ),
    "calibration.none": (
        "No request has both an estimate and a real count yet.",
        "Aucune requête n’a encore à la fois une estimation et un compte réel.",
    ),
    "calibration.open": (
        "Why is it off?",
        "Pourquoi l’écart\u202f?",
    ),
    "calibration.range": (
        "Middle half",
        "Moitié centrale",
    ),
    "calibration.right": (
        "estimates are right",
        "les estimations sont justes",
    ),
    "calibration.rule": (
        "Real ÷ estimated over a model’s last {last} requests in memory. From {n} requests on, the median corrects the estimate of a request that is not counted yet; a corrected estimate is always called probable, and enters no figure.",
        "Réel ÷ estimé sur les {last} dernières requêtes du modèle en mémoire. À partir de {n} requêtes, la médiane corrige l’estimation d’une requête pas encore comptée\u202f; une estimation corrigée est toujours dite probable et n’entre dans aucun chiffre.",
    ),
    "calibration.title": (
        "Why was the estimate off?",
        "Pourquoi l’estimation était-elle fausse\u202f?",
    ),
    "calibration.too_few": (
        "too few to tell",
        "trop peu pour conclure",
    ),
    "calibration.too_high": (
        "estimates are {percentage} too high",
        "les estimations sont {percentage} trop hautes",
    ),
    "calibration.too_low": (
        "estimates are {percentage} too low",
        "les estimations sont {percentage} trop basses",
    ),
    "calibration.trend": (
        "Over time",
        "Au fil du temps",
    ),
    "calibration.why": (
        "The proxy estimates every model with the same encoding, and counts role and content only. The model has a tokenizer of its own, and the provider also counts tool definitions, tool calls and the answer.",
        "Le proxy estime tous les modèles avec le même encodage et ne compte que rôle et contenu. Le modèle a son propre tokeniseur, et le fournisseur compte aussi les définitions d’outils, les appels d’outils et la réponse.",
    ),
    "compaction.auto": (
        "Automatic compaction",
        "Compactage automatique",
    ),
    "compaction.count": (
        "Compactions",
        "Compactages",
    ),
    "compaction.last": (
        "Last",
        "Dernier",
    ),
    "compaction.never": (
        "never",
        "jamais",
    ),
    "compaction.note.ready": (
        "Ready to compact.",
        "Prêt à compacter.",
    ),
    "compaction.note.run_fails": (
        "This version of the proxy fails to compact on demand; automatic compaction works.",
        "Cette version du proxy échoue à compacter à la demande\u202f; le compactage automatique fonctionne.",
    ),
    "compaction.note.running": (
        "Compacting…",
        "Compactage en cours…",
    ),
    "compaction.note.unsupported": (
        "This version of the proxy has no compaction.",
        "Cette version du proxy ne sait pas compacter.",
    ),
    "compaction.note.waiting": (
        "Available once a session is open.",
        "Disponible dès qu’une session est ouverte.",
    ),
    "compaction.preview": (
        "Preview",
        "Aperçu",
    ),
    "compaction.preview.nothing": (
        "There is nothing to compact yet.",
        "Rien à compacter pour l’instant.",
    ),
    "compaction.preview.text": (
        "{summarised} of {total} messages would be summarised, saving about {tokens} tokens.",
        "{summarised} messages sur {total} seraient résumés\u00a0: environ {tokens} tokens gagnés.",
    ),
    "compaction.reserved": (
        "Reserved tokens",
        "Tokens réservés",
    ),
    "compaction.reserved_invalid": (
        "Enter a whole number of tokens from 0 to {n}.",
        "Entrez un nombre entier de tokens, de 0 à {n}.",
    ),
    "compaction.run": (
        "Compact now",
        "Compacter",
    ),
    "compaction.saved": (
        "Tokens saved",
        "Tokens gagnés",
    ),
    "compaction.title": (
        "Compaction",
        "Compactage",
    ),
    "connect.change": (
        "Change to it",
        "Passer à celui-ci",
    ),
    "connect.demo": (
        "Use demo data",
        "Données de démo",
    ),
    "connect.fault": (
        "answers with an error",
        "répond par une erreur",
    ),
    "connect.faulty": (
        "Something answers at {url}, but with an error; the page waits for it and keeps trying.",
        "Quelque chose répond à {url}, mais par une erreur\u00a0; la page attend et réessaie.",
    ),
    "connect.help": (
        "The address your IDE sends its requests to. The page loads again to connect, and remembers the address in this browser.",
        "L’adresse à laquelle votre IDE envoie ses requêtes. La page se recharge pour se connecter et retient l’adresse dans ce navigateur.",
    ),
    "connect.invalid_url": (
        "Enter an address such as http://localhost:8000.",
        "Indiquez une adresse comme http://localhost:8000.",
    ),
    "connect.lost": (
        "No Kimi Proxy answers at {url}; the page keeps trying.",
        "Aucun Kimi Proxy ne répond à {url}\u00a0; la page réessaie.",
    ),
    "connect.missing": (
        "no answer",
        "pas de réponse",
    ),
    "connect.not_kimi": (
        "answers, but is not a Kimi Proxy",
        "répond, mais n’est pas un Kimi Proxy",
    ),
    "connect.offer": (
        "A Kimi Proxy answers now at {url}.",
        "Un Kimi Proxy répond maintenant à {url}.",
    ),
    "connect.ok": (
        "Kimi Proxy",
        "Kimi Proxy",
    ),
    "connect.open": (
        "Connect…",
        "Connecter…",
    ),
    "connect.slow": (
        "{url} takes long to answer; the page waits for it and keeps trying.",
        "{url} tarde à répondre\u00a0; la page attend et réessaie.",
    ),
    "connect.submit": (
        "Connect",
        "Se connecter",
    ),
    "connect.title": (
        "Connect to Kimi Proxy",
        "Se connecter à Kimi Proxy",
    ),
    "connect.too_slow": (
        "answers too slowly",
        "répond trop lentement",
    ),
    "connect.tried": (
        "What was found",
        "Ce qui a été trouvé",
    ),
    "connect.url": (
        "Address of the proxy",
        "Adresse du proxy",
    ),
    "connection.connected": (
        "Connected",
        "Connecté",
    ),
    "connection.connecting": (
        "Connecting",
        "Connexion…",
    ),
    "connection.demo": (
        "Demo",
        "Démo",
    ),
    "connection.last_seen": (
        "Last seen {age}",
        "Vu {age}",
    ),
    "connection.offline": (
        "Offline",
        "Hors ligne",
    ),
    "connection.reconnecting": (
        "Reconnecting in {seconds} s",
        "Reconnexion dans {seconds} s",
    ),
    "connection.replay": (
        "Replay",
        "Relecture",
    ),
    "context.forecast": (
        "Forecast",
        "Prévision",
    ),
    "context.meter": (
        "{percentage} used: {current} of {max} tokens",
        "{percentage} utilisés\u00a0: {current} tokens sur {max}",
    ),
    "context.of": (
        "of",
        "sur",
    ),
    "context.over_by": (
        "Over by",
        "Dépassement",
    ),
    "context.percent_used": (
        "of the window used",
        "de la fenêtre utilisés",
    ),
    "context.remaining": (
        "Remaining",
        "Restants",
    ),
    "context.reserved": (
        "{n} tokens reserved",
        "{n} tokens réservés",
    ),
    "context.threshold": (
        "Compaction at {percentage}",
        "Compactage à {percentage}",
    ),
    "context.title": (
        "Context window",
        "Fenêtre de contexte",
    ),
    "count.again": (
        "Count again",
        "Compter de nouveau",
    ),
    "count.by_message": (
        "Tokens of each message",
        "Tokens de chaque message",
    ),
    "count.characters": (
        "Characters",
        "Caractères",
    ),
    "count.empty_message": (
        "Nothing that counts",
        "Rien qui compte",
    ),
    "count.encoding": (
        "Encoding",
        "Encodage",
    ),
    "count.encoding.cl100k_base": (
        "cl100k_base (the proxy’s)",
        "cl100k_base (celui du proxy)",
    ),
    "count.encoding.o200k_base": (
        "o200k_base (GPT-4o and newer)",
        "o200k_base (GPT-4o et suivants)",
    ),
    "count.failed": (
        "The tokenizer could not be started. It is fetched from this page’s own address when it is first used: see whether that can be reached.",
        "Le tokeniseur n’a pas pu démarrer. Il est chargé depuis l’adresse de cette page à la première utilisation\u00a0: vérifiez qu’elle répond.",
    ),
    "count.flaw.as_text": (
        "Counted as plain text.",
        "Compté comme du texte.",
    ),
    "count.flaw.at": (
        "Line {line}, column {column}: {what}",
        "Ligne {line}, colonne {column}\u00a0: {what}",
    ),
    "count.flaw.json-colon": (
        "a colon is missing after a name.",
        "il manque un deux-points après un nom.",
    ),
    "count.flaw.json-comma": (
        "a comma is missing before this.",
        "il manque une virgule avant ceci.",
    ),
    "count.flaw.json-depth": (
        "This JSON is nested too deep to be a chat.",
        "Ce JSON est trop imbriqué pour être un chat.",
    ),
    "count.flaw.json-end": (
        "the JSON ends too early; a bracket is not closed.",
        "le JSON s’arrête trop tôt\u202f; un crochet n’est pas fermé.",
    ),
    "count.flaw.json-escape": (
        "a backslash must be written twice, as \\\\.",
        "une barre oblique inverse s’écrit deux fois, \\\\.",
    ),
    "count.flaw.json-extra": (
        "there is more text after the end of the JSON.",
        "il reste du texte après la fin du JSON.",
    ),
    "count.flaw.json-line-break": (
        "a line break inside a text must be written as \\n.",
        "un saut de ligne dans un texte s’écrit \\n.",
    ),
    "count.flaw.json-quotes": (
        "names and texts go between straight double quotes.",
        "noms et textes se mettent entre guillemets droits doubles.",
    ),
    "count.flaw.json-string": (
        "this text has no closing quote.",
        "ce texte n’a pas de guillemet fermant.",
    ),
    "count.flaw.json-trailing-comma": (
        "this comma has nothing after it.",
        "cette virgule n’est suivie de rien.",
    ),
    "count.flaw.json-value": (
        "a value is missing, or is none that JSON knows (null, true, false).",
        "il manque une valeur, ou JSON ne la connaît pas (null, true, false).",
    ),
    "count.flaw.no-messages": (
        "This JSON has no messages.",
        "Ce JSON ne contient pas de messages.",
    ),
    "count.flaw.no-role": (
        "Message {number} has no role.",
        "Le message {number} n’a pas de rôle.",
    ),
    "count.flaw.not-an-object": (
        "Message {number} is not an object.",
        "Le message {number} n’est pas un objet.",
    ),
    "count.images.one": (
        "{n} image",
        "{n} image",
    ),
    "count.images.other": (
        "{n} images",
        "{n} images",
    ),
    "count.left": (
        "Left after it",
        "Reste ensuite",
    ),
    "count.left.chat": (
        "Taken as the whole of the next request.",
        "Pris comme la totalité de la prochaine requête.",
    ),
    "count.left.empty": (
        "Taken as the whole of the next request: this session’s use is not known.",
        "Pris comme la totalité de la prochaine requête\u00a0: l’occupation de la session est inconnue.",
    ),
    "count.left.text": (
        "On top of the {used} tokens that this session holds now.",
        "En plus des {used} tokens que contient déjà la session.",
    ),
    "count.left_out": (
        "The proxy’s estimate leaves out {names}: about {n} tokens when read as JSON.",
        "L’estimation du proxy ignore {names}\u00a0: environ {n} tokens lus comme du JSON.",
    ),
    "count.likely": (
        "The provider will probably count {n} ({low} to {high}), going by this model’s earlier requests and their answers.",
        "Le fournisseur comptera sans doute {n} ({low} à {high}), d’après les requêtes précédentes de ce modèle et leurs réponses.",
    ),
    "count.message": (
        "Message",
        "Message",
    ),
    "count.model.differs": (
        "{model} itself uses {encoding}.",
        "{model} utilise lui-même {encoding}.",
    ),
    "count.model.none": (
        "No session is open: counted as the proxy would estimate.",
        "Aucune session ouverte\u00a0: compté comme le proxy estimerait.",
    ),
    "count.model.same": (
        "{model} uses this encoding.",
        "{model} utilise cet encodage.",
    ),
    "count.model.unknown": (
        "{model} has a tokenizer of its own: this is what the proxy estimates, not what the provider will count.",
        "{model} a son propre tokeniseur\u00a0: c’est l’estimation du proxy, pas le compte du fournisseur.",
    ),
    "count.more.one": (
        "and {n} more message",
        "et {n} autre message",
    ),
    "count.more.other": (
        "and {n} more messages",
        "et {n} autres messages",
    ),
    "count.of_window": (
        "of the window of {n} tokens",
        "de la fenêtre de {n} tokens",
    ),
    "count.open": (
        "Count a text…",
        "Compter un texte…",
    ),
    "count.over": (
        "Too much by",
        "Dépassement",
    ),
    "count.piece.one": (
        "{n} token",
        "{n} token",
    ),
    "count.piece.other": (
        "{n} tokens",
        "{n} tokens",
    ),
    "count.pieces": (
        "Token by token",
        "Token par token",
    ),
    "count.placeholder": (
        "Paste a prompt, a file, or the body of a request",
        "Collez un prompt, un fichier ou le corps d’une requête",
    ),
    "count.privacy": (
        "Counted in this browser: the text is not sent, stored or logged.",
        "Compté dans ce navigateur\u00a0: le texte n’est ni envoyé, ni conservé, ni journalisé.",
    ),
    "count.read.one": (
        "in {n} message",
        "dans {n} message",
    ),
    "count.read.other": (
        "in {n} messages",
        "dans {n} messages",
    ),
    "count.restarted": (
        "The tokenizer stopped and was started again; the count is up to date.",
        "Le tokeniseur s’est arrêté et a été relancé\u202f; le compte est à jour.",
    ),
    "count.role": (
        "Role",
        "Rôle",
    ),
    "count.rule": (
        "As the proxy counts: role and content, 3 for each message, 3 for the reply, 512 for each image.",
        "Comme le proxy compte\u00a0: rôle et contenu, 3 par message, 3 pour la réponse, 512 par image.",
    ),
    "count.share": (
        "Share",
        "Part",
    ),
    "count.text": (
        "Text, or chat messages as JSON",
        "Texte, ou messages de chat en JSON",
    ),
    "count.title": (
        "Count tokens",
        "Compter les tokens",
    ),
    "count.tokens": (
        "Tokens",
        "Tokens",
    ),
    "count.waiting": (
        "counting…",
        "comptage…",
    ),
    "delete.confirm": (
        "Delete",
        "Supprimer",
    ),
    "delete.text": (
        "Their history and figures go with them. This cannot be undone.",
        "Leur historique et leurs chiffres disparaissent avec elles. C’est définitif.",
    ),
    "delete.title": (
        "Delete sessions?",
        "Supprimer ces sessions\u202f?",
    ),
    "demo.chosen": (
        "Nothing here comes from a real proxy.",
        "Rien ici ne vient d’un vrai proxy.",
    ),
    "demo.leave": (
        "Show it",
        "L’afficher",
    ),
    "demo.text": (
        "No Kimi Proxy was found.",
        "Aucun Kimi Proxy trouvé.",
    ),
    "demo.text_at": (
        "No Kimi Proxy was found at {url}.",
        "Aucun Kimi Proxy trouvé à l’adresse {url}.",
    ),
    "demo.title": (
        "Demo data.",
        "Données de démonstration.",
    ),
    "dialog.cancel": (
        "Cancel",
        "Annuler",
    ),
    "dialog.close": (
        "Close",
        "Fermer",
    ),
    "dialog.ok": (
        "Got it",
        "Compris",
    ),
    "error.bad_answer": (
        "The answer is not one of a Kimi Proxy.",
        "La réponse n’est pas celle d’un Kimi Proxy.",
    ),
    "error.fault": (
        "The proxy failed inside.",
        "Le proxy a rencontré une erreur interne.",
    ),
    "error.no_session": (
        "There is no current session.",
        "Il n’y a pas de session en cours.",
    ),
    "error.other": (
        "Something went wrong.",
        "Quelque chose s’est mal passé.",
    ),
    "error.refused": (
        "The proxy refused.",
        "Le proxy a refusé.",
    ),
    "error.session_not_found": (
        "The proxy does not know this session.",
        "Le proxy ne connaît pas cette session.",
    ),
    "error.timeout": (
        "The proxy did not answer in time.",
        "Le proxy n’a pas répondu à temps.",
    ),
    "error.unreachable": (
        "The proxy does not answer. Is it running?",
        "Le proxy ne répond pas. Est-il démarré\u00a0?",
    ),
    "error.unsupported": (
        "This version of the proxy cannot do that.",
        "Cette version du proxy ne sait pas le faire.",
    ),
    "export.csv": (
        "CSV",
        "CSV",
    ),
    "export.done": (
        "Exported {file}.",
        "{file} exporté.",
    ),
    "export.inactive": (
        "The proxy exports its active session only, and this is another one.",
        "Le proxy n’exporte que sa session active, et ce n’est pas celle-ci.",
    ),
    "export.json": (
        "JSON",
        "JSON",
    ),
    "export.title": (
        "Export the session",
        "Exporter la session",
    ),
    "export.unsupported": (
        "There is no active session to export.",
        "Aucune session active à exporter.",
    ),
    "failed.auto_compaction": (
        "Automatic compaction could not be switched.",
        "Le compactage automatique n’a pas pu être basculé.",
    ),
    "failed.auto_session": (
        "Automatic sessions could not be switched.",
        "Les sessions automatiques n’ont pas pu être basculées.",
    ),
    "failed.compact": (
        "The compaction failed.",
        "Le compactage a échoué.",
    ),
    "failed.create": (
        "The session could not be created.",
        "La session n’a pas pu être créée.",
    ),
    "failed.delete": (
        "The sessions could not be deleted.",
        "Les sessions n’ont pas pu être supprimées.",
    ),
    "failed.export": (
        "The export failed.",
        "L’export a échoué.",
    ),
    "failed.import_user": (
        "Nothing was imported",
        "Rien n’a été importé",
    ),
    "failed.list": (
        "The sessions could not be listed.",
        "La liste des sessions n’a pas pu être chargée.",
    ),
    "failed.load_compaction": (
        "The compaction figures could not be loaded.",
        "Les chiffres du compactage n’ont pas pu être chargés.",
    ),
    "failed.load_memory": (
        "The memories could not be loaded.",
        "Les mémoires n’ont pas pu être chargées.",
    ),
    "failed.load_providers": (
        "The providers could not be loaded.",
        "Les fournisseurs n’ont pas pu être chargés.",
    ),
    "failed.load_rate_limit": (
        "The request rate could not be loaded.",
        "Le débit de requêtes n’a pas pu être chargé.",
    ),
    "failed.preview": (
        "There is no preview.",
        "L’aperçu n’est pas disponible.",
    ),
    "failed.reserve": (
        "The tokens could not be reserved.",
        "Les tokens n’ont pas pu être réservés.",
    ),
    "failed.select": (
        "The session could not be opened.",
        "La session n’a pas pu être ouverte.",
    ),
    "feed.col.count": (
        "Count",
        "Type",
    ),
    "feed.col.history": (
        "History",
        "Historique",
    ),
    "feed.col.new": (
        "New",
        "Nouveaux",
    ),
    "feed.col.preview": (
        "Preview",
        "Aperçu",
    ),
    "feed.col.source": (
        "Source",
        "Source",
    ),
    "feed.col.time": (
        "Time",
        "Heure",
    ),
    "feed.col.tokens": (
        "Tokens",
        "Tokens",
    ),
    "feed.empty": (
        "Requests appear here as your IDE sends them through the proxy.",
        "Les requêtes apparaissent ici quand votre IDE les envoie par le proxy.",
    ),
    "feed.kind.estimated": (
        "EST",
        "EST",
    ),
    "feed.kind.estimated_title": (
        "Estimated before sending",
        "Estimé avant l’envoi",
    ),
    "feed.kind.real": (
        "REAL",
        "RÉEL",
    ),
    "feed.kind.real_title": (
        "Counted by the provider",
        "Compté par le fournisseur",
    ),
    "feed.newest.one": (
        "{n} new below",
        "{n} nouvelle plus bas",
    ),
    "feed.newest.other": (
        "{n} new below",
        "{n} nouvelles plus bas",
    ),
    "feed.no_preview": (
        "No preview",
        "Sans aperçu",
    ),
    "feed.noise": (
        "Mostly history sent again: {ratio} of the request",
        "Surtout de l’historique renvoyé\u00a0: {ratio} de la requête",
    ),
    "feed.out_of_reach": (
        "This proxy shows the requests of its active session only.",
        "Ce proxy ne montre que les requêtes de sa session active.",
    ),
    "feed.probable": (
        "probably {n}",
        "sans doute {n}",
    ),
    "feed.requests.one": (
        "{n} request",
        "{n} requête",
    ),
    "feed.requests.other": (
        "{n} requests",
        "{n} requêtes",
    ),
    "feed.title": (
        "Live feed",
        "Flux en direct",
    ),
    "figures.avg": (
        "Average",
        "Moyenne",
    ),
    "figures.completion": (
        "Completion tokens",
        "Tokens de réponse",
    ),
    "figures.max": (
        "Largest request",
        "Requête max.",
    ),
    "figures.prompt": (
        "Prompt tokens",
        "Tokens de prompt",
    ),
    "figures.requests": (
        "Requests",
        "Requêtes",
    ),
    "figures.title": (
        "Key figures of the session",
        "Chiffres clés de la session",
    ),
    "forecast.one": (
        "≈ {n} request left at this pace",
        "≈ {n} requête avant saturation à ce rythme",
    ),
    "forecast.other": (
        "≈ {n} requests left at this pace",
        "≈ {n} requêtes avant saturation à ce rythme",
    ),
    "forecast.over": (
        "The window is already exceeded",
        "La fenêtre est déjà dépassée",
    ),
    "forecast.steady": (
        "Not growing at this pace",
        "Stable à ce rythme",
    ),
    "forecast.unknown": (
        "Not enough requests yet",
        "Pas encore assez de requêtes",
    ),
    "frame.open": (
        "Open in its own window",
        "Ouvrir dans sa propre fenêtre",
    ),
    "frame.refused": (
        "Another site shows this page inside its own, so nothing can be changed from here. Open the page in its own window.",
        "Un autre site affiche cette page dans la sienne\u00a0: rien ne peut être modifié d’ici. Ouvrez la page dans sa propre fenêtre.",
    ),
    "frame.text": (
        "Another site shows this page inside its own: nothing can be changed from here.",
        "Un autre site affiche cette page dans la sienne\u00a0: rien ne peut être modifié d’ici.",
    ),
    "history.completion": (
        "Completion",
        "Réponse",
    ),
    "history.empty": (
        "The curve starts with the first request.",
        "La courbe commence à la première requête.",
    ),
    "history.prompt": (
        "Prompt",
        "Prompt",
    ),
    "history.series": (
        "Curves shown",
        "Courbes affichées",
    ),
    "history.summary": (
        "{n} requests, from {first} to {last} tokens; largest {max}.",
        "{n} requêtes, de {first} à {last} tokens\u202f; maximum {max}.",
    ),
    "history.title": (
        "History",
        "Historique",
    ),
    "history.total": (
        "Total",
        "Total",
    ),
    "language.label": (
        "Language",
        "Langue",
    ),
    "memory.chat_tokens": (
        "Chat tokens",
        "Tokens de chat",
    ),
    "memory.frequent": (
        "Used most often",
        "Les plus utilisées",
    ),
    "memory.frequent_empty": (
        "No frequent memory yet.",
        "Aucune mémoire fréquente.",
    ),
    "memory.row_tokens": (
        "{n} tokens",
        "{n} tokens",
    ),
    "memory.server.connected": (
        "connected · {ms} ms",
        "connecté · {ms} ms",
    ),
    "memory.server.disconnected": (
        "unreachable",
        "injoignable",
    ),
    "memory.servers": (
        "Memory servers",
        "Serveurs de mémoire",
    ),
    "memory.servers_empty": (
        "No server reported.",
        "Aucun serveur signalé.",
    ),
    "memory.title": (
        "Memory",
        "Mémoire",
    ),
    "memory.tokens": (
        "Memory tokens",
        "Tokens de mémoire",
    ),
    "memory.unsupported": (
        "This proxy has no memory figures.",
        "Ce proxy ne donne pas de chiffres de mémoire.",
    ),
    "memory.uses": (
        "{n}×",
        "{n}×",
    ),
    "new_session.create": (
        "Create session",
        "Créer la session",
    ),
    "new_session.model": (
        "Model",
        "Modèle",
    ),
    "new_session.name": (
        "Name",
        "Nom",
    ),
    "new_session.name_example": (
        "Refactoring the parser",
        "Refonte du parseur",
    ),
    "new_session.name_required": (
        "Give the session a name.",
        "Donnez un nom à la session.",
    ),
    "new_session.no_key": (
        "{name} (no API key on the proxy)",
        "{name} (pas de clé d’API sur le proxy)",
    ),
    "new_session.provider": (
        "Provider",
        "Fournisseur",
    ),
    "new_session.title": (
        "New session",
        "Nouvelle session",
    ),
    "new_session.window": (
        "{n} tokens of context",
        "{n} tokens de contexte",
    ),
    "notice.auto_session": (
        "The proxy opened a session: {name}",
        "Le proxy a ouvert une session\u00a0: {name}",
    ),
    "notice.chart_missing": (
        "The chart’s files cannot be fetched: the host of this page does not answer. They are asked for again by themselves.",
        "Les fichiers du graphique ne peuvent pas être chargés\u00a0: l’hôte de cette page ne répond pas. Ils sont redemandés automatiquement.",
    ),
    "notice.compact_asked": (
        "Compaction asked for",
        "Compactage demandé",
    ),
    "notice.compacted": (
        "Context compacted: {before} → {after} tokens",
        "Contexte compacté\u00a0: {before} → {after} tokens",
    ),
    "notice.compaction_alert": (
        "A compaction is due",
        "Un compactage s’impose",
    ),
    "notice.context_limit": (
        "The provider refused the request: context limit exceeded",
        "Le fournisseur a refusé la requête\u00a0: limite de contexte dépassée",
    ),
    "notice.context_warning": (
        "The context window fills up",
        "La fenêtre de contexte se remplit",
    ),
    "notice.deleted.one": (
        "{n} session deleted",
        "{n} session supprimée",
    ),
    "notice.deleted.other": (
        "{n} sessions deleted",
        "{n} sessions supprimées",
    ),
    "notice.load_failed": (
        "The proxy’s data could not be loaded",
        "Les données du proxy n’ont pas pu être chargées",
    ),
    "notice.model_fallback": (
        "The proxy fell back to another model",
        "Le proxy s’est rabattu sur un autre modèle",
    ),
    "notice.not_deleted.one": (
        "{n} session could not be deleted",
        "{n} session n’a pas pu être supprimée",
    ),
    "notice.not_deleted.other": (
        "{n} sessions could not be deleted",
        "{n} sessions n’ont pas pu être supprimées",
    ),
    "notice.not_kept": (
        "This page cannot be kept for use without a network: its host does not send {file} as it was built (status {status}, {type}).",
        "Cette page ne peut pas être gardée pour un usage sans réseau\u00a0: son hôte n’envoie pas {file} tel qu’il a été construit (statut {status}, {type}).",
    ),
    "notice.not_rolled_back": (
        "The proxy may have another session active than the one shown here.",
        "Le proxy a peut-être une autre session active que celle affichée ici.",
    ),
    "notice.not_updated": (
        "There is a new version of this page, but its host does not send {file} as it was built (status {status}, {type}). This version stays.",
        "Il y a une nouvelle version de cette page, mais son hôte n’envoie pas {file} tel qu’il a été construit (statut {status}, {type}). Cette version reste.",
    ),
    "notice.old_browser": (
        "This browser is too old for the menus of this page (Chrome or Edge 114, Firefox 125, Safari 17 have what they need). The figures are right all the same.",
        "Ce navigateur est trop ancien pour les menus de cette page (il faut Chrome ou Edge 114, Firefox 125 ou Safari 17). Les chiffres restent justes.",
    ),
    "notice.other_database": (
        "Another proxy, or another database, answers here now. What was known of sessions with the same numbers is no longer shown.",
        "Un autre proxy, ou une autre base de données, répond ici désormais. Ce qui était connu de sessions de mêmes numéros n’est plus affiché.",
    ),
    "notice.state_damaged": (
        "Part of what this page remembered could not be read. It was set aside; the proxy still has its data.",
        "Une partie de ce que cette page avait retenu était illisible. Elle a été mise de côté\u00a0; le proxy a toujours ses données.",
    ),
    "notice.state_newer": (
        "A newer version of this page wrote what is remembered here. It was set aside, and this version starts afresh.",
        "Une version plus récente de cette page a écrit ce qui est retenu ici. Cela a été mis de côté, et cette version repart de zéro.",
    ),
    "notice.storage_degraded": (
        "The browser’s storage is full or blocked: what the page remembers will not survive a reload.",
        "Le stockage du navigateur est plein ou bloqué\u00a0: ce que la page retient ne survivra pas à un rechargement.",
    ),
    "notice.streaming_error": (
        "The answer was interrupted",
        "La réponse a été interrompue",
    ),
    "notice.tabs_apart": (
        "In this browser the tabs of this page cannot share a connection: each connects by itself.",
        "Dans ce navigateur, les onglets de cette page ne peuvent pas partager une connexion\u00a0: chacun se connecte lui-même.",
    ),
    "notice.user_imported": (
        "“{name}” was imported and is in use now",
        "«\xa0{name}\xa0» a été importé et est maintenant utilisé",
    ),
    "notice.user_imported_elsewhere": (
        "“{name}” was imported and is in use now. The file names the proxy {address}; this page did not go there. If it is yours, choose it in “Connect…”.",
        "«\xa0{name}\xa0» a été importé et est maintenant utilisé. Le fichier indique le proxy {address}\xa0; cette page n’y est pas allée. S’il est bien le vôtre, choisissez-le dans «\xa0Connecter…\xa0».",
    ),
    "notice.user_new": (
        "“{name}” is new in this browser and starts with nothing remembered.",
        "«\u00a0{name}\u00a0» est nouveau dans ce navigateur et commence sans rien en mémoire.",
    ),
    "notice.user_unknown": (
        "The user in the page’s address has a name that cannot be one; the last user stays.",
        "L’adresse de la page désigne un utilisateur dont le nom n’en est pas un\u00a0; le dernier utilisateur reste.",
    ),
    "notice.users_damaged": (
        "The list of users could not be read. It was set aside, and made anew from what was found.",
        "La liste des utilisateurs était illisible. Elle a été mise de côté et refaite d’après ce qui a été trouvé.",
    ),
    "notice.view_only": (
        "You see “{name}”. This proxy cannot activate a session: requests are still booked on its own.",
        "Vous voyez «\u00a0{name}\u00a0». Ce proxy ne sait pas activer une session\u00a0: les requêtes restent comptées sur la sienne.",
    ),
    "rate.label": (
        "Request rate",
        "Débit de requêtes",
    ),
    "rate.text": (
        "{current} of {max} req/min",
        "{current} sur {max} req/min",
    ),
    "rate.unsupported": (
        "This proxy does not tell its request rate.",
        "Ce proxy n’indique pas son débit de requêtes.",
    ),
    "recordings.bad": (
        "Line {line} of the recording cannot be used.",
        "La ligne {line} de l’enregistrement est inutilisable.",
    ),
    "recordings.bad.field": (
        "A field is missing, or is not what it should be.",
        "Un champ manque, ou n’est pas ce qu’il devrait être.",
    ),
    "recordings.bad.header": (
        "It does not begin as a recording of this dashboard does.",
        "Elle ne commence pas comme un enregistrement de ce tableau de bord.",
    ),
    "recordings.bad.json": (
        "It is not JSON. Was the file cut off, or changed?",
        "Ce n’est pas du JSON. Le fichier a-t-il été tronqué ou modifié\u00a0?",
    ),
    "recordings.bad.large": (
        "The recording is larger than this page can replay.",
        "L’enregistrement est trop grand pour être relu ici.",
    ),
    "recordings.bad.order": (
        "Its time is before that of the line above.",
        "Son heure précède celle de la ligne précédente.",
    ),
    "recordings.bad.version": (
        "A newer version of this dashboard made it. Load the newest version of this page.",
        "Une version plus récente de ce tableau de bord l’a produit. Chargez la dernière version de cette page.",
    ),
    "recordings.blocked": (
        "The browser does not let this page keep recordings.",
        "Le navigateur ne permet pas à cette page de garder des enregistrements.",
    ),
    "recordings.current": (
        "Recording",
        "En cours",
    ),
    "recordings.detail": (
        "{length} · {frames} · {size}",
        "{length} · {frames} · {size}",
    ),
    "recordings.dropped.one": (
        "{n} recording, the oldest, was removed to make room.",
        "{n} enregistrement, le plus ancien, a été supprimé pour faire de la place.",
    ),
    "recordings.dropped.other": (
        "The {n} oldest recordings were removed to make room.",
        "Les {n} plus anciens enregistrements ont été supprimés pour faire de la place.",
    ),
    "recordings.empty": (
        "No recording yet.",
        "Aucun enregistrement pour l’instant.",
    ),
    "recordings.frames.one": (
        "{n} message",
        "{n} message",
    ),
    "recordings.frames.other": (
        "{n} messages",
        "{n} messages",
    ),
    "recordings.full": (
        "The recording has reached its limit and was stopped.",
        "L’enregistrement a atteint sa limite et a été arrêté.",
    ),
    "recordings.gone": (
        "This recording is no longer there.",
        "Cet enregistrement n’existe plus.",
    ),
    "recordings.kept": (
        "Kept in this browser",
        "Gardés dans ce navigateur",
    ),
    "recordings.mark": (
        "Recording",
        "Enregistrement",
    ),
    "recordings.note": (
        "Everything this page hears from the proxy, without API keys, kept in this browser only. The page loads again to record from the start.",
        "Tout ce que cette page reçoit du proxy, sans les clés d’API, gardé dans ce navigateur uniquement. La page se recharge pour enregistrer depuis le début.",
    ),
    "recordings.open": (
        "Recordings…",
        "Enregistrements…",
    ),
    "recordings.open_file": (
        "Open a recording…",
        "Ouvrir un enregistrement…",
    ),
    "recordings.play": (
        "Replay the recording of {moment}",
        "Relire l’enregistrement du {moment}",
    ),
    "recordings.quota": (
        "The browser has no room left: the recording was stopped.",
        "Le navigateur n’a plus de place\u00a0: l’enregistrement a été arrêté.",
    ),
    "recordings.record": (
        "Record this tab",
        "Enregistrer cet onglet",
    ),
    "recordings.remove": (
        "Delete the recording of {moment}",
        "Supprimer l’enregistrement du {moment}",
    ),
    "recordings.save": (
        "Save the recording of {moment} as a file",
        "Sauver l’enregistrement du {moment} dans un fichier",
    ),
    "recordings.size": (
        "{size} MB",
        "{size} Mo",
    ),
    "recordings.stopped": (
        "The recording was stopped and kept.",
        "L’enregistrement a été arrêté et gardé.",
    ),
    "recordings.sure": (
        "Delete?",
        "Supprimer\u00a0?",
    ),
    "recordings.title": (
        "Recordings",
        "Enregistrements",
    ),
    "recordings.unreadable": (
        "This file cannot be read, or is too large.",
        "Ce fichier est illisible ou trop grand.",
    ),
    "replay.differs": (
        "Another version made it: details may differ.",
        "Une autre version l’a produit\u00a0: des détails peuvent différer.",
    ),
    "replay.fastest": (
        "Fastest",
        "Au plus vite",
    ),
    "replay.from": (
        "recorded on {moment}, from {address}",
        "enregistré le {moment}, depuis {address}",
    ),
    "replay.from_demo": (
        "recorded on {moment}, from the demo",
        "enregistré le {moment}, depuis la démo",
    ),
    "replay.leave": (
        "Back to live",
        "Revenir au direct",
    ),
    "replay.pause": (
        "Pause",
        "Pause",
    ),
    "replay.play": (
        "Play",
        "Lire",
    ),
    "replay.position": (
        "{position} of {length}, {time}",
        "{position} sur {length}, {time}",
    ),
    "replay.read_only": (
        "This is a replay: nothing can be changed here.",
        "Ceci est une relecture\u00a0: rien ne peut y être modifié.",
    ),
    "replay.slider": (
        "Time",
        "Temps",
    ),
    "replay.speed": (
        "Speed",
        "Vitesse",
    ),
    "replay.times": (
        "{n}×",
        "{n}×",
    ),
    "replay.title": (
        "Replay",
        "Relecture",
    ),
    "role.assistant": (
        "assistant",
        "assistant",
    ),
    "role.system": (
        "system",
        "système",
    ),
    "role.tool": (
        "tool",
        "outil",
    ),
    "role.user": (
        "user",
        "utilisateur",
    ),
    "session.badge.active": (
        "Active",
        "Active",
    ),
    "session.badge.inactive": (
        "Inactive",
        "Inactive",
    ),
    "session.current": (
        "Current session:",
        "Session en cours\u00a0:",
    ),
    "session.none": (
        "No session",
        "Aucune session",
    ),
    "sessions.check": (
        "Select for deletion",
        "Sélectionner pour la supprimer",
    ),
    "sessions.delete": (
        "Delete…",
        "Supprimer…",
    ),
    "sessions.delete_active": (
        "The active session cannot be deleted.",
        "La session active ne peut pas être supprimée.",
    ),
    "sessions.delete_unsupported": (
        "This version of the proxy cannot delete sessions.",
        "Cette version du proxy ne sait pas supprimer de session.",
    ),
    "sessions.empty": (
        "No session to show yet.",
        "Aucune session pour l’instant.",
    ),
    "sessions.new": (
        "New session",
        "Nouvelle session",
    ),
    "sessions.no_match": (
        "No session matches “{query}”.",
        "Aucune session ne correspond à «\u202f{query}\u202f».",
    ),
    "sessions.none_selected": (
        "None selected",
        "Aucune sélection",
    ),
    "sessions.search": (
        "Search by name, provider or model",
        "Chercher par nom, fournisseur ou modèle",
    ),
    "sessions.selected.one": (
        "{n} selected",
        "{n} sélectionnée",
    ),
    "sessions.selected.other": (
        "{n} selected",
        "{n} sélectionnées",
    ),
    "sessions.title": (
        "Sessions",
        "Sessions",
    ),
    "source.explain.age": (
        "Age",
        "Âge",
    ),
    "source.explain.caption": (
        "The last value of each source",
        "La dernière valeur de chaque source",
    ),
    "source.explain.none": (
        "No source has reported yet.",
        "Aucune source n’a encore rien envoyé.",
    ),
    "source.explain.percentage": (
        "Window",
        "Fenêtre",
    ),
    "source.explain.priority": (
        "Priority",
        "Priorité",
    ),
    "source.explain.rule": (
        "A value counts as fresh for 5 seconds. The fresh source with the highest priority wins; two fresh sources that nearly agree make a hybrid, which takes the larger one. With nothing fresh, the last known value stays.",
        "Une valeur est fraîche pendant 5 secondes. La source fraîche de plus haute priorité l’emporte\u202f; deux sources fraîches presque d’accord donnent un hybride, qui retient la plus grande. Sans source fraîche, la dernière valeur connue reste affichée.",
    ),
    "source.explain.title": (
        "Why this number?",
        "Pourquoi ce nombre\u202f?",
    ),
    "source.explain.tokens": (
        "Tokens",
        "Tokens",
    ),
    "source.fresh": (
        "fresh",
        "fraîche",
    ),
    "source.label": (
        "Source",
        "Source",
    ),
    "source.reason.hybrid": (
        "Both sources are fresh and differ by {diff} tokens: the larger value is shown.",
        "Les deux sources sont fraîches et diffèrent de {diff} tokens\u00a0: la plus grande valeur est affichée.",
    ),
    "source.reason.only_fresh": (
        "{source} is shown: it is the only fresh source ({age}).",
        "La valeur affichée vient de {source}\u00a0: c’est la seule source fraîche ({age}).",
    ),
    "source.reason.priority": (
        "{source} is shown: it is fresh ({age}) and has the higher priority ({priority}).",
        "La valeur affichée vient de {source}\u00a0: elle est fraîche ({age}) et a la priorité la plus haute ({priority}).",
    ),
    "source.reason.stale": (
        "Nothing is fresh: the last known value of {source} is shown ({age}).",
        "Aucune source n’est fraîche\u00a0: la dernière valeur connue de {source} est affichée ({age}).",
    ),
    "source.reason.tie": (
        "{source} is shown: both sources are fresh ({age}) and equally trusted.",
        "{source} est affiché\u00a0: les deux sources sont à jour ({age}) et de même priorité.",
    ),
    "source.stale": (
        "stale",
        "périmée",
    ),
    "source.why": (
        "Why?",
        "Pourquoi\u202f?",
    ),
    "source.wins": (
        "shown",
        "affichée",
    ),
    "theme.toggle": (
        "Switch between dark and light",
        "Passer du thème sombre au thème clair",
    ),
    "time.days_ago": (
        "{n} days ago",
        "il y a {n} jours",
    ),
    "time.hours_ago": (
        "{n} h ago",
        "il y a {n} h",
    ),
    "time.minutes_ago": (
        "{n} min ago",
        "il y a {n} min",
    ),
    "time.now": (
        "just now",
        "à l’instant",
    ),
    "time.seconds_ago": (
        "{n} s ago",
        "il y a {n} s",
    ),
    "toasts.close": (
        "Close the notification",
        "Fermer la notification",
    ),
    "toasts.label": (
        "Notifications",
        "Notifications",
    ),
    "unit.tokens": (
        "tokens",
        "tokens",
    ),
    "unsupported": (
        "This version of the proxy cannot do that.",
        "Cette version du proxy ne le permet pas.",
    ),
    "update.ready": (
        "A new version is ready.",
        "Une nouvelle version est prête.",
    ),
    "update.reload": (
        "Reload",
        "Recharger",
    ),
    "users.create": (
        "Create user",
        "Créer l’utilisateur",
    ),
    "users.delete": (
        "Delete",
        "Supprimer",
    ),
    "users.delete_one": (
        "Delete “{name}”",
        "Supprimer «\xa0{name}\xa0»",
    ),
    "users.delete_text": (
        "Everything that this browser remembers of them goes with them. The proxy keeps its sessions. This cannot be undone.",
        "Tout ce que ce navigateur a retenu disparaît avec. Le proxy garde ses sessions. C’est irréversible.",
    ),
    "users.delete_title": (
        "Delete “{name}”?",
        "Supprimer «\xa0{name}\xa0»\xa0?",
    ),
    "users.error.empty": (
        "Give the user a name.",
        "Donnez un nom à l’utilisateur.",
    ),
    "users.error.long": (
        "A name has at most {n} characters.",
        "Un nom a au plus {n} caractères.",
    ),
    "users.error.taken": (
        "There is a user “{name}” already.",
        "Il y a déjà un utilisateur «\u00a0{name}\u00a0».",
    ),
    "users.export": (
        "Export",
        "Exporter",
    ),
    "users.file.damaged": (
        "The file is damaged: “{part}” cannot be read.",
        "Le fichier est abîmé\xa0: «\xa0{part}\xa0» est illisible.",
    ),
    "users.file.foreign": (
        "The file is not a user’s data from this dashboard.",
        "Le fichier ne contient pas les données d’un utilisateur de ce tableau de bord.",
    ),
    "users.file.large": (
        "The file is too large to be a user’s data.",
        "Le fichier est trop gros pour être les données d’un utilisateur.",
    ),
    "users.file.newer": (
        "A newer version of this page wrote the file.",
        "Une version plus récente de cette page a écrit ce fichier.",
    ),
    "users.file.no_json": (
        "The file is not JSON, or it was cut off.",
        "Le fichier n’est pas du JSON, ou il est tronqué.",
    ),
    "users.file.no_room": (
        "The browser’s storage has no room for the file’s data.",
        "Le stockage du navigateur n’a pas la place pour les données du fichier.",
    ),
    "users.file.unread": (
        "The file could not be read, or is too large.",
        "Le fichier n’a pas pu être lu, ou il est trop gros.",
    ),
    "users.first": (
        "First user",
        "Premier utilisateur",
    ),
    "users.import": (
        "Import…",
        "Importer…",
    ),
    "users.name": (
        "Name",
        "Nom",
    ),
    "users.new": (
        "New user",
        "Nouvel utilisateur",
    ),
    "users.note": (
        "What the page remembers is kept apart for each user. This is no protection: whoever uses this browser can read it all.",
        "Ce que la page retient est séparé par utilisateur. Ce n’est pas une protection\xa0: quiconque utilise ce navigateur peut tout lire.",
    ),
    "users.rename": (
        "Rename",
        "Renommer",
    ),
    "users.rename_one": (
        "Rename “{name}”",
        "Renommer «\xa0{name}\xa0»",
    ),
    "users.rename_title": (
        "Rename the user",
        "Renommer l’utilisateur",
    ),
    "users.title": (
        "Users",
        "Utilisateurs",
    ),
}
