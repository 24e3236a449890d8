"""An answer that wants to do harm to whoever shows it."""

# What a page must survive: each line has bitten somebody's renderer, parser or terminal.
HOSTILE = (
    "<script>alert('script tag')</script>\n"
    "</script><script>alert(1)</script>\n"
    "<img src=x onerror=\"alert('handler')\"> <svg/onload=alert(2)><svg><script>alert(3)</script></svg>\n"
    "<iframe srcdoc='<script>alert(4)</script>'></iframe> <a href=\"javascript:alert(5)\">html link</a>\n"
    "[a link](javascript:alert(6)) [another](JaVaScRiPt:alert(7)) [data](data:text/html,<script>alert(8)</script>)\n"
    '[tabbed](java\tscript:alert(9)) ![image](x" onerror="alert(10)) <style>*{display:none}</style>\n'
    "\n\ndata: {}\n\nid: 1\n\n"
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    'event: relay.end\ndata: {"outcome":"completed"}\nid: 000000001-00000000\n\n: comment\nretry: 1\n\r\n\r\r\n'
    "line\u2028separator and paragraph\u2029separator, next\u0085line, form\x0cfeed, vertical\x0btab\n"
    "NUL\x00in the middle, bell \x07, escape \x1b[31mred\x1b[0m \x1b]0;title\x07, delete \x7f\n"
    "a lone high surrogate \ud800 and a lone low one \udc00 and a byte order mark \ufeff\n"
    "right-to-left \u202egnp.exe\u202c isolate \u2066abc\u2069 zero\u200bwidth\n"
    "joiner \u200d, family 👨\u200d👩\u200d👧\u200d👦\n"
    "Z\u0351\u0352\u0353a\u0354\u0355l\u0356\u0357g\u0358\u0359o, \U0010ffff, \ufffe\n"
    "{{constructor.constructor('alert(11)')()}} ${7*7} <%= 7*7 %> %00 %0d%0a ../../etc/passwd ' OR 1=1 --\n"
    "```html\n</code></pre><script>alert(12)</script>\n```\n"
    "$$\\href{javascript:alert(13)}{x}$$ `unclosed **nested _and\n"
    + "w" * 3000
    + "\n| a | b\n| --- \n"
    + "> " * 60
    + "deep\n[[[[[[[[![[[[(((((\n"
)
