#pragma once

namespace tailrace::report {

inline constexpr const char* style = R"(
:root{color-scheme:light dark;--back:#fff;--panel:#f6f7f9;--text:#1b1f24;--soft:#59636e;--line:#d5dae0;
--one:#2f6fb7;--two:#c2711f;--good:#2f6fb7;--bad:#b83245;--gone:#8b949e;--wait:#d99a2b}
@media(prefers-color-scheme:dark){:root{--back:#14171b;--panel:#1d2127;--text:#e4e8ec;--soft:#9aa5b1;--line:#353c45;
--one:#6aa9ea;--two:#e79a51;--good:#6aa9ea;--bad:#ef7182;--gone:#7d8791;--wait:#e6b45a}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1040px;margin:0 auto;padding:20px 16px 48px}
h1{font-size:1.6rem;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:36px 0 10px}
p{margin:0 0 10px;max-width:72ch}
.soft,figcaption,caption{color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px;margin:18px 0 0}
.tile{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.tile b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.85rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:14px}
.charts figure{max-width:600px;width:100%}
figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px}
figure h3{font-size:1rem;margin:0 0 6px}
figcaption{font-size:.85rem;margin-top:6px}
figure svg{display:block;width:100%;height:auto}
.scroll{overflow-x:auto}
.plan{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px}
.plan svg{display:block;margin:0 auto}
table{border-collapse:collapse;width:100%;font-size:.93rem;margin:4px 0 12px}
caption{text-align:left;font-size:.88rem;padding:0 0 4px}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.w{overflow-wrap:break-word;min-width:8.5em}
td.e{min-width:15em}
td.v{overflow-wrap:anywhere}
svg text{font:14px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--text)}
svg .s{fill:var(--soft);font-size:12.5px}
svg .h{font-weight:600}
@media(max-width:600px){.charts svg text{font-size:18px}.charts svg .s{font-size:16px}td.e{min-width:11em}}
.box{fill:var(--back);stroke:var(--line)}.nest{fill:none;stroke:var(--soft);stroke-dasharray:4 3}
.pill{fill:var(--panel);stroke:var(--soft)}.edge{fill:none;stroke:var(--soft);stroke-width:1.4}
.tip{fill:var(--soft)}.axis{stroke:var(--line)}.mark{stroke:var(--text);stroke-dasharray:3 3;opacity:.7}
.f1{fill:var(--one)}.f2{fill:var(--two)}.good{fill:var(--good)}.bad{fill:var(--bad)}.gone{fill:var(--gone)}
.wait{fill:var(--wait)}.l1{fill:none;stroke:var(--one);stroke-width:2}.l2{fill:none;stroke:var(--two);stroke-width:2}
.key{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin:0 .35em 0 .2em}
.k1{background:var(--one)}.k2{background:var(--two)}.kgood{background:var(--good)}.kbad{background:var(--bad)}
.kgone{background:var(--gone)}.kwait{background:var(--wait)}
.meter{background:var(--line);border-radius:3px;height:.6em;min-width:60px;margin-top:.4em}
.meter div{background:var(--one);border-radius:3px;height:.6em}
)";

}  // namespace tailrace::report
