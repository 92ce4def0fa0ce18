"""The corpus: texts written for it by hand, and seeded mixtures of them.

Long texts are made when they are needed and are not in the repository. Nothing here may change
without writing ``expected.json`` anew (``python -m tests.tokens``).
"""

from __future__ import annotations

import functools
import hashlib
import random
import struct
from collections.abc import Iterable, Iterator, Sequence

CODE = {
    "python": [
        "def area(radius: float) -> float:\n    return 3.14159 * radius**2\n",
        "class Queue:\n\tdef __init__(self):\n\t\tself._items = []\n\n\tdef push(self, x):\n\t\tself._items.append(x)\n",
        'squares = {n: n * n for n in range(10) if n % 2 == 0}\nprint(f"{squares!r:>40}")',
        "async def fetch(url, *, timeout=30.0):\n    async with session.get(url) as answer:\n        return await answer.json()\n",
        "@dataclass(frozen=True)\nclass Point:\n    x: int = 0\n    y: int = 0\n\n    def __add__(self, o): return Point(self.x + o.x, self.y + o.y)",
        "if __name__ == '__main__':\n    import sys\n    sys.exit(main(sys.argv[1:]) or 0)\n",
    ],
    "javascript": [
        "const sum = (...ns) => ns.reduce((a, b) => a + b, 0);\nconsole.log(sum(1, 2, 3));",
        "document.querySelectorAll('[data-id]').forEach((el) => {\n  el.addEventListener('click', () => toggle(el.dataset.id));\n});",
        "export default async function* walk(tree) {\n  for (const node of tree) yield* node.children ?? [];\n}",
        "let s = `total: ${items.map(i => i?.price ?? 0).join(' + ')} €`;",
        "/^\\s*(?<key>[\\w.-]+)\\s*=\\s*(?<value>.*?)\\s*$/gmu.exec(line)?.groups",
    ],
    "typescript": [
        "type Deep<T> = T extends object ? { readonly [K in keyof T]: Deep<T[K]> } : T;",
        "interface Shape { kind: 'circle' | 'square'; size?: number }\nfunction f(s: Shape): s is Required<Shape> { return s.size !== undefined }",
        "enum Level { Low = 1 << 0, High = 1 << 1, Both = Low | High }",
        "export const store = create<State>()((set) => ({ n: 0, inc: () => set((s) => ({ n: s.n + 1 })) }));",
    ],
    "go": [
        'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Printf("%d %s\\n", 42, "tokens")\n}\n',
        "func (s *Server) Serve(ctx context.Context) error {\n\tselect {\n\tcase <-ctx.Done():\n\t\treturn ctx.Err()\n\tcase c := <-s.conns:\n\t\tgo s.handle(c)\n\t}\n\treturn nil\n}",
        'type Pair[K comparable, V any] struct {\n\tKey K\n\tVal V `json:"val,omitempty"`\n}',
        'if err := run(); err != nil {\n\tlog.Fatalf("run: %v", err)\n}',
    ],
    "rust": [
        "fn longest<'a>(x: &'a str, y: &'a str) -> &'a str {\n    if x.len() > y.len() { x } else { y }\n}",
        "impl Iterator for Counter {\n    type Item = u32;\n    fn next(&mut self) -> Option<u32> { self.n += 1; (self.n < 6).then_some(self.n) }\n}",
        "#[derive(Debug, Clone, PartialEq)]\nenum Token { Number(f64), Op(char), LParen, RParen }",
        "let total: u64 = lines.iter().filter_map(|l| l.parse::<u64>().ok()).sum();",
        "macro_rules! square { ($x:expr) => {{ let v = $x; v * v }}; }",
    ],
    "java": [
        'public final class Main {\n    public static void main(String[] args) {\n        System.out.println("Hello, " + args.length);\n    }\n}',
        "List<String> names = people.stream().filter(p -> p.age() >= 18).map(Person::name).sorted().toList();",
        "@Override public int hashCode() { return Objects.hash(id, name, 0xCAFEBABE); }",
        "try (var in = new BufferedReader(new FileReader(file))) { in.lines().forEach(System.out::println); } catch (IOException e) { throw new UncheckedIOException(e); }",
    ],
    "c": [
        '#include <stdio.h>\n\nint main(void)\n{\n    for (int i = 0; i < 10; ++i)\n        printf("%02d\\n", i);\n    return 0;\n}\n',
        "static inline uint32_t rotl(uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }",
        "#define MAX(a, b) \\\n    ((a) > (b) ? (a) : (b))\n",
        "struct node { struct node *next; char name[64]; unsigned flags : 3; };\nwhile (p && *p++ != '\\0');",
    ],
    "cpp": [
        "template <typename T, std::size_t N>\nconstexpr auto size(const T (&)[N]) noexcept { return N; }",
        "std::unordered_map<std::string, std::vector<int>> m{{\"a\", {1, 2}}};\nfor (auto&& [k, v] : m) std::cout << k << '\\t' << v.size() << '\\n';",
        "auto f = [=, &total](auto x) mutable -> decltype(x) { total += x; return x; };",
        "namespace a::b { inline namespace v2 { struct X final : Y { ~X() override = default; }; } }",
    ],
    "bash": [
        '#!/usr/bin/env bash\nset -euo pipefail\nfor f in *.{txt,md}; do\n  [[ -s $f ]] && wc -w -- "$f"\ndone | sort -rn | head -5\n',
        'curl -fsSL "$URL" | tar -xz --strip-components=1 -C "${DEST:-/opt/app}" 2>/dev/null || echo "failed: $?" >&2',
        "find . -name '*.py' -not -path './.venv/*' -print0 | xargs -0 grep -nE '^\\s*(def|class) ' ",
        "export PATH=\"$HOME/.local/bin:$PATH\"; alias ll='ls -lah --color=auto'",
    ],
    "sql": [
        "SELECT s.id, COUNT(*) AS n, AVG(m.tokens)\nFROM sessions s LEFT JOIN metrics m ON m.session_id = s.id\nWHERE s.created_at >= '2026-01-01'\nGROUP BY s.id HAVING n > 3\nORDER BY 2 DESC LIMIT 10;",
        "CREATE TABLE IF NOT EXISTS metrics (\n  id INTEGER PRIMARY KEY AUTOINCREMENT,\n  tokens INT NOT NULL DEFAULT 0 CHECK (tokens >= 0)\n);",
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t;",
        "UPDATE sessions SET is_active = CASE WHEN id = ?1 THEN 1 ELSE 0 END -- only one",
    ],
    "html": [
        '<!doctype html>\n<html lang="fr">\n<head><meta charset="utf-8"><title>Été &amp; hiver</title></head>\n<body class=\'a b\'>\n</body></html>',
        "<table><tr><td colspan=2>&nbsp;1&thinsp;000&nbsp;€</td></tr></table><!-- fin -->",
        '<svg viewBox="0 0 16 16"><path d="M8 2.5v8m-3.2-3L8 10.7l3.2-3.2M3 13.5h10"/></svg>',
    ],
    "css": [
        ':root { --gap: clamp(0.5rem, 2vw, 1.25rem); }\n.panel > :is(h2, h3):not(.x)::before { content: "\\201C"; }',
        "@media (max-width: 720px) and (prefers-color-scheme: dark) { body { margin: 0 auto !important } }",
        "a{color:#1d5fd1;background:rgb(29 95 209/.1)}a:hover{color:#6EA8FF}",
    ],
    "haskell": [
        "primes = sieve [2..] where sieve (p:xs) = p : sieve [x | x <- xs, x `mod` p /= 0]",
        "instance Functor Tree where\n  fmap _ Leaf = Leaf\n  fmap f (Node l x r) = Node (fmap f l) (f x) (fmap f r)",
        "main :: IO ()\nmain = getLine >>= putStrLn . reverse . map toUpper",
    ],
}

TEXTS = {
    "english": [
        "How many tokens does this sentence cost?",
        "I'm sure they'll say we've seen it, that you'd known, and that it's what he's after.",
        "IT'S THEIR'S, DON'T SHE'LL WE'RE — CAPITALS WITH APOSTROPHES",
        "It’s the typographic apostrophe that doesn’t count as a contraction, isn’t it?",
        "The quick brown fox jumps over the lazy dog. 0123456789 times!",
        "Antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis are long words.",
        "camelCaseIdentifier snake_case_identifier SCREAMING_SNAKE kebab-case PascalCaseHTTPServer",
        "“Quoted,” she said—twice… then (parenthesised) [bracketed] {braced} <angled>.",
        "No. 5, p. 12, §3.4; cf. fn. 7: 100% of $1,234.56 ≈ £999.99 ± 0.5 °C",
        "a b c d e f g h i j k l m n o p q r s t u v w x y z",
        "ſcript with a long s: 'ſ and 'S and 's",
        "naïve façade coöperate résumé Zürich Ångström smörgåsbord",
    ],
    "french": [
        "Combien de jetons cette phrase coûte-t-elle ?",
        "L’élève n’a pas su qu’aujourd’hui c’était l’été ; il s’en est aperçu trop tard.",
        "Où est le cœur de l’œuvre ? Là-bas, près du château où naquit Noël.",
        "« Bonjour », dit-il, « je voudrais 1 234,56 € de crédit, s’il vous plaît ! »",
        "LES MAJUSCULES ACCENTUÉES : É, È, À, Ç, Ù, Î, Ô",
        "Le proxy compte les jetons avant d’envoyer la requête, puis apprend le compte réel.",
        "Çà et là, des naïfs haïssaient l’ambiguïté ; Maïs, aiguë, capharnaüm.",
        "quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf",
        "J'ai dit qu'il n'y avait qu'à l'attendre jusqu'à ce qu'on s'en aille.",
        "Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes de kiwis.",
        "e\u0301te\u0301 en forme de\u0301compose\u0301e",
    ],
    "chinese": [
        "这句话有多少个词元？",
        "上下文窗口快满了，请压缩会话。",
        "代理在转发请求之前先估算词元数量，然后从供应商的回答中得到真实数量。",
        "繁體中文也要正確計算：臺灣、香港、澳門。",
        "中文English混排,标点不规范;数字123和４５６全角。",
        "人工智能、机器学习与深度学习的区别是什么？《论语》：“学而时习之，不亦说乎？”",
        "　　全角空格开头的段落。\n　　第二段。",
        "龘靐齉爩鱻麤灪龖",
        "𠮷野家と𩸽：扩展区的汉字𪚥",
        "一二三四五六七八九十百千万亿",
    ],
    "japanese": [
        "この文はいくつのトークンになりますか？",
        "コンテキストウィンドウがもうすぐいっぱいです。",
        "ｶﾀｶﾅの半角とカタカナの全角、ひらがなと漢字。",
        "吾輩は猫である。名前はまだ無い。",
    ],
    "korean": [
        "이 문장은 토큰이 몇 개입니까?",
        "컨텍스트 창이 거의 가득 찼습니다.",
        "ㅋㅋㅋㅋㅋ 안녕하세요~ 123개",
        "\u1112\u1161\u11ab\u1100\u1173\u11af 조합형",
    ],
    "arabic": [
        "كم عدد الرموز في هذه الجملة؟",
        "نافذة السياق ممتلئة تقريبًا، اضغط المحادثة.",
        "السَّلَامُ عَلَيْكُمْ وَرَحْمَةُ اللهِ وَبَرَكَاتُهُ",
        "الأرقام ١٢٣٤٥٦٧٨٩٠ و 1234567890 معًا.",
        "بسم الله الرحمن الرحيم ﷽ ﷺ",
        "مرحبا\u200fworld\u200e مختلط الاتجاه",
        "لا إله إلا الله، لأ لإ لآ",
        "كـــــــــــــــبير جدا",
        "اردو: یہ جملہ کتنے ٹوکن کا ہے؟",
        "فارسی: می\u200cخواهم بدانم",
    ],
    "hebrew": ["כמה אסימונים יש במשפט הזה?", "בְּרֵאשִׁית בָּרָא אֱלֹהִים", "שלום, world! ״ציטוט״"],
    "russian": ["Сколько токенов в этом предложении?", "ЁЛКА, ёж и подъезд — съёмка.", "Война и мир; стр. 1225."],
    "greek": ["Πόσα διακριτικά έχει αυτή η πρόταση;", "ΣΟΦΟΣ σοφός ΆΛΦΑ ὦ ἄνδρες Ἀθηναῖοι"],
    "hindi": ["इस वाक्य में कितने टोकन हैं?", "क्षत्रिय ज्ञान श्रृंखला र्\u200dय", "१२३४५६७८९०"],
    "thai": ["ประโยคนี้มีกี่โทเค็น", "น้ำ เก่ง ๑๒๓"],
    "vietnamese": ["Câu này có bao nhiêu token?", "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau."],
    "others": [
        "ამ წინადადებაში რამდენი ტოკენია?",
        "Քանի՞ նշան կա այս նախադասության մեջ",
        "இந்த வாக்கியத்தில் எத்தனை டோக்கன்கள்?",
        "በዚህ ዓረፍተ ነገር ውስጥ ስንት ምልክቶች አሉ?",
        "ဤစာကြောင်းတွင်",
        "ᚠᚢᚦᚨᚱᚲ ᛫ ᛒ",
        "𝕳𝖊𝖑𝖑𝖔 𝓦𝓸𝓻𝓵𝓭 𝟙𝟚𝟛",
        "ǅ ǈ ǋ title-case letters ʰʱʲ modifiers ªº",
        "Ⅷ ⅷ ① ½ ² ₃ ㉈ numbers of other kinds",
        "ﬁ ﬂ ﬀ ligatures",
    ],
    "emoji": [
        "👍",
        "😀😁😂🤣😃😄😅😆",
        "👨‍👩‍👧‍👦 is one family",
        "👩🏽‍💻 codes, 🧑🏿‍🚀 flies, 👋🏻 waves",
        "🏳️‍🌈 🏴‍☠️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🇫🇷🇬🇧🇯🇵🇺🇸",
        "❤️ vs ❤ vs ♥",
        "1️⃣2️⃣#️⃣*️⃣",
        "text😀text 😀 text\n😀",
        "🫠🫡🫥 newer faces",
        "🤷‍♀️🤷🏾‍♂️¯\\_(ツ)_/¯",
        "👁️‍🗨️👀",
        "zero width joiner alone: a\u200db, non-joiner a\u200cb, space a\u200bb, word joiner a\u2060b",
        "\ufe0f\ufe0e\u200d",
        "⌚️⏰🕐 → ← ↔ ⇒ ∀x∈ℝ ∃y≠0",
        "┌──┬──┐\n│  │  │\n└──┴──┘ ████▓▓▒▒░░",
    ],
    "whitespace": [
        "",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        " \n",
        "\n ",
        " \n \n ",
        "a  b   c    d     e",
        "    indented by four",
        "\t\ttabbed\ttwice\t",
        "line\n\n\nafter three\r\n\r\nwindows\rmac",
        "trailing spaces   ",
        "trailing newlines\n\n\n",
        "  \n  x  \n  ",
        "\t \t \t",
        "\u00a0no-break\u00a0spaces\u202fnarrow\u2009thin\u2003em\u3000ideographic",
        "\u2028line separator\u2029paragraph separator",
        "\x0bvertical\x0cfeed\x85next line\x1c\x1d\x1e\x1f",
        " " * 81 + "x",
        "x" + " " * 83,
        "\n" * 40,
        "\r\n" * 17 + "\t" * 9,
        " 1 2  3   4    5",
        "\t\t====\t\t----  ++++",
        "\t123\t\t456 \t789",
        " \u3000\u00a0 mixed \u3000\u00a0",
    ],
    "control": [
        "\x00",
        "a\x00b\x00",
        "\x01\x02\x03\x04\x05\x06\x07\x08",
        "\x1b[31mred\x1b[0m and \x1b]0;title\x07",
        "\x7f\x80\x81\x9f",
        "\ufeffbyte order mark",
        "in the\ufeffmiddle",
        "\ufffd\ufffe\uffff",
        "\u202eright to left override\u202c",
        "\u2066isolate\u2069",
        "\u00adsoft\u00adhyphen\u00ad",
        "\x08\x08\x08erased",
        "\U000e0001\U000e0041\U000e007f tags",
        "\ue000\uf8ff private use \U000f0000",
        "\U0010fffd the last",
    ],
    "special": [
        "<|endoftext|>",
        "before<|endoftext|>after",
        "<|fim_prefix|>def f():<|fim_suffix|>return x<|fim_middle|>",
        "<|endofprompt|>",
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
        "<|start|>assistant<|channel|>final<|message|>Hi<|return|>",
        "<|endoftext",
        "<|endoftext|><|endoftext|> <|endoftext|>",
        "[INST] <<SYS>> ... <</SYS>> [/INST] </s><s>",
        "<think>let me see</think>",
    ],
    "data": [
        '{"role": "user", "content": [{"type": "text", "text": "caf\\u00e9"}], "n": null}',
        "id,name,tokens\n1,\"Smith, J.\",42\n2,O'Neil,\n",
        "- [ ] todo\n- [x] **done** _really_ `code`\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n",
        "# Title\n\n## Subtitle\n\n> quote\n\n1. one\n2. two\n\n```py\nprint(1)\n```\n",
        "https://example.org/path/to?q=a%20b&c=%C3%A9#frag-ment",
        "user.name+tag@example-host.co.uk, +33 6 12 34 56 78, 192.168.0.1:8080, ::1",
        "2026-11-22T06:39:17.674548+01:00",
        "3.14159265358979323846264338327950288419716939937510",
        "1000000000000000000000000000000000000000",
        "0xDEADBEEF 0b1011 0o777 1e-9 6.022_140_76e23 -0.0 NaN Infinity",
        "deadbeefcafebabe0123456789abcdefdeadbeefcafebabe0123456789abcdef",
        "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieQ==",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "\\begin{equation} \\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2} \\end{equation}",
        "diff --git a/x.py b/x.py\n@@ -1,3 +1,4 @@\n-old\n+new\n context\n",
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\nZeroDivisionError: division by zero",
        "!!!???...,,,;;;:::---___***///\\\\\\|||&&&%%%$$$###@@@",
        "(((((((([[[[[[[[{{{{{{{{<<<<<<<<>>>>>>>>}}}}}}}}]]]]]]]]))))))))",
        "x=1;y=2;z=x+y*(-3)/4%5**6//7&8|9^10<<11>>12",
        "AAAABBBBCCCCaaaabbbbcccc1111222233334444",
        "ACGTACGTTAGCTAGCTAGGATCCGATCGATTACA",
        "GET /api/sessions HTTP/1.1\r\nHost: localhost:8000\r\nAccept: */*\r\n\r\n",
    ],
}  # fmt: skip

# Characters that no Unicode version of the last years has moved to another class.
_RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x669),
    (0x905, 0x939), (0xE01, 0xE3A), (0x10A0, 0x10C5), (0x1F00, 0x1F15), (0x2000, 0x206F),
    (0x20A0, 0x20BF), (0x2190, 0x21FF), (0x2460, 0x24FF), (0x3040, 0x30FF), (0x4E00, 0x9FA5),
    (0xAC00, 0xD7A3), (0xFE00, 0xFE0F), (0xFF01, 0xFF5E), (0x1F300, 0x1F5FF), (0x1F600, 0x1F64F),
)  # fmt: skip

_WORDS = (
    "the", "of", "and", "a", "to", "in", "is", "that", "it", "was", "for", "on", "are", "as",
    "with", "they", "be", "at", "one", "have", "this", "from", "by", "hot", "but", "some", "what",
    "there", "we", "can", "out", "other", "were", "all", "your", "when", "up", "use", "word",
    "how", "said", "an", "each", "she", "which", "their", "time", "will", "way", "about", "many",
    "then", "them", "would", "write", "like", "so", "these", "her", "long", "make", "thing",
    "see", "context", "window", "session", "proxy", "request", "answer", "token", "count",
    "estimate", "provider", "model", "message", "although", "nevertheless", "extraordinary",
    "unbelievable", "international", "responsibility",
)  # fmt: skip


def _hand_written() -> Iterator[tuple[str, str]]:
    for kind, texts in (CODE | TEXTS).items():
        for number, text in enumerate(texts, 1):
            yield f"{kind}-{number:02d}", text


def _mixtures(seed: int, sources: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Cut the texts anywhere, and put the parts together: every boundary meets every other."""
    dice = random.Random(seed)
    long_enough = [text for text in sources if len(text) > 4]
    for number in range(1, 91):
        parts = []
        for _ in range(dice.randint(2, 9)):
            text = dice.choice(long_enough)
            start = dice.randrange(len(text))
            parts.append(text[start : start + dice.randint(1, 40)])
        yield f"mixture-{number:02d}", dice.choice(("", " ", "\n", "'")).join(parts)


def _characters(seed: int) -> Iterator[tuple[str, str]]:
    dice = random.Random(seed)
    for number in range(1, 51):
        ranges = dice.sample(_RANGES, dice.randint(1, 4))
        text = "".join(chr(dice.randint(*dice.choice(ranges))) for _ in range(dice.randint(5, 120)))
        yield f"characters-{number:02d}", text


def prose(size: int, seed: int = 7) -> str:
    """Return sentences of everyday words, ``size`` characters of them."""
    dice = random.Random(seed)
    sentences, length = [], 0
    while length < size:
        words = [dice.choice(_WORDS) for _ in range(dice.randint(4, 18))]
        if dice.random() < 0.2:
            words.insert(dice.randrange(len(words)), str(dice.randint(0, 99_999)))
        end = dice.choice((". ", ". ", ". ", "? ", "! ", ".\n", ";\n\n", ", it’s said. "))
        sentences.append(" ".join(words).capitalize() + end)
        length += len(sentences[-1])
    return "".join(sentences)[:size]


def _long() -> Iterator[tuple[str, str]]:
    yield "prose-1MB", prose(1_000_000)
    yield "prose-100kB", prose(100_000, seed=8)
    yield "letter-a-50000", "a" * 50_000
    yield "letter-é-50000", "é" * 50_000
    yield "character-中-50000", "中" * 50_000
    yield "spaces-50000", " " * 50_000
    yield "newlines-50000", "\n" * 50_000
    yield "equals-50000", "=" * 50_000
    yield "emoji-20000", "😀" * 20_000
    yield "digits-50000", "7" * 50_000
    dice = random.Random(9)
    # Runs so long that they are merged by the worker itself, with what may surround them.
    for number, run in enumerate(("a", "Z", "é", "中", "=", "-/", " ", "\n", " \n", "ab", "😀"), 1):
        parts = []
        for _ in range(6):
            parts += [
                dice.choice(("word ", "x", "12", "\t\t", "  ", "\n", "it's", "-", "'s", "\u3000")),
                run * (dice.randint(600, 2600) // len(run)),
            ]
        yield f"runs-{number:02d}", "".join(parts)
    yield "base64-40000", "".join(dice.choices("ABCDEFabcdef0123456789+/", k=40_000))
    yield "letters-20000", "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=20_000))
    yield "LeTtErS-20000", "".join(dice.choices("abcdefghijKLMNOPQRSTéÉßſ", k=20_000))
    yield "chinese-20000", "".join(chr(dice.randint(0x4E00, 0x9FA5)) for _ in range(20_000))


@functools.cache
def corpus() -> dict[str, str]:
    """Return every text by its name."""
    written = dict(_hand_written())
    sources = list(written.values())
    return {**written, **dict(_mixtures(3, sources)), **dict(_characters(5)), **dict(_long())}


def digest(tokens: Iterable[int]) -> str:
    """Return a digest of a text's tokens: of each as 32 bits, the lowest byte first."""
    packed = b"".join(struct.pack("<I", token) for token in tokens)
    return hashlib.sha256(packed).hexdigest()[:32]
