"""Numbers of stays, examinations, specimens, cards and insurances."""

from __future__ import annotations

from ..text.patterns import pattern
from .folding import Spans, Windows, blank, matches
from .numbers import GAP, UNIT
from .tables import columns

# The words are classes: where a patient stays, what is examined, on what, and who pays. A word of
# them and "number", "id" or "card" announce a record.
_WARD = (
    "住 ?院|病 ?历|病 ?案|门 ?诊|急诊|就诊|诊疗|诊断|会诊|挂号|登记|病[人员]|患者|留观|抢救|急救"
    "|床位|转诊|随访"
    "|受检者?|受试者?|筛选|随机|入组|研究|个案|家庭|健康|居民|档案|建档|慢病|管理|治疗|签约"
    "|出生(?:医学)?(?:证明?)?"
)
_EXAM = (
    "检 ?查|检 ?验|化验|影 ?像|病 ?理|放 ?射|放疗|化疗|透析|血透|手术|麻醉|超声|彩超|[ABM]超"
    "|钼靶|心电图?|脑电图?|肌电图?"
    "|核 ?磁|磁共振|核医学|骨密度|[胃肠喉鼻镜腔腹膀胱宫阴道关节管窥内]{1,3}镜|骨髓片?|细胞学?"
    "|切片|蜡块|涂片|产科|羊水|新生儿"
    "|体检|体测|筛查|接种|疫苗|儿童|基因|检测|标 ?本|样 ?本|样品|检材|检体|条码|报告|申请|处方"
    "|医嘱|X[线光]片?|片子"
    "|(?<![A-Za-z])(?i:CT|MRI?|DR|CR|DSA|ECT|PET|PET/CT|PET-CT|TCT|ECG|EEG|EMG|B超|ZY|ID|IP|OP)片?"
)
_PAYS = (
    "医保|社保|社会保障|社会保险|医疗(?:保险|保障|证)?|农保|新?农合|合作医疗(?:证|卡)?|公费医疗"
    "|健保|保险|保单|参[保合]|残疾人?|低保"
    "|慢[性病]{0,2}病?|糖尿病|高血压|传染病|艾滋病|结核病?|精神|母子"
)
_WORD = rf"(?:{_WARD}|{_EXAM}|{_PAYS})"
_BETWEEN = (
    r"(?:个人|病历|医疗|检查|登记|条码?|条形|单据?|片|卡片?|证|流水|序列|报告|筛查|学|电脑|号"
    r"|建档|管理|档案|治疗|图)"
)
_KIND = (
    r"(?: ?号码?|[ .\-]?编 ?号|(?<=儿童)编码|(?<=居民)编码|(?<=患者)编码|ID|hao"
    r"|(?<!样本)(?<!标本)条形?码|№|No\.?(?![A-Za-z]))"
)
_NUMBER = (
    r"[A-Za-z]{0,5}[-–]?[0-9](?:(?:[ .][0-9]){4,11}|[0-9]{2,4}(?:\.[0-9]{2,4}){1,3}"
    r"|[0-9–-]{2,24}[A-Za-z]?)"
)
_ENDS = r"(?![0-9A-Za-z*×])"
_RECORD = pattern(
    r"(?:(?=[住病门急就诊会挂登患留抢床转随受筛入研个家健居档建慢管治签出检化影放透血手麻超彩钼心脑"
    r"肌核磁骨胃肠喉鼻镜腔腹膀胱宫"
    r"阴道关节窥内细切蜡涂产羊新体接疫儿基标样条报申处医片社农合公保参残低糖高传艾结精母卡流单])"
    r"|(?=(?<![A-Za-z])[A-Za-z]))(?:"
    rf"{_WORD}{_BETWEEN}{{0,2}}{_KIND}(?:{GAP}(?P<n>{_NUMBER}){_ENDS}"
    r"|(?![源牌段])[^0-9A-Za-z。！？!?；;，,\n\ue000]{1,8}"
    rf"(?P<p>[A-Za-z]{{0,4}}-?[0-9][0-9-]{{4,20}}){_ENDS}"
    rf"|[，,][如是为即](?P<q>[A-Za-z]{{0,4}}-?[0-9][0-9-]{{4,20}}){_ENDS})"
    rf"|(?:住[ .\-]院[ .\-]号|病[ .\-]历[ .\-]号|住院hao){GAP}(?P<s>{_NUMBER}){_ENDS}"
    rf"|(?:就诊|诊疗|医疗|医保|社保|健康|健保|居民健康|病历|门诊|体检)卡(?:号"
    rf"|编号)?{GAP}(?P<k>[A-Za-z]{{0,4}}-?[0-9]{{6,24}}){_ENDS}"
    rf"|(?:残疾|医疗|合作医疗|参合|农合)证号?{GAP}(?P<v>[A-Za-z]{{0,4}}[0-9]{{6,24}}){_ENDS}"
    rf"|卡号{GAP}(?P<c>[A-Za-z]{{0,3}}[0-9]{{8,14}}){_ENDS}"
    rf"|(?:流水号|单据号|诊号){GAP}(?P<f>[A-Za-z]{{0,4}}[0-9]{{6,20}}){_ENDS}"
    r"|(?<![A-Za-z])(?:(?i:zyh|blh|mzh|jzh|bah|mrn)|(?i:patient|hospital|case|admission"
    r"|accession|pathology|study"
    r"|medical record|record|chart|specimen|sample|registration) ?(?:ID|No\b\.?|[Nn]umber|no\.))"
    rf"[ :：.#]{{0,3}}(?P<l>[A-Za-z]{{0,4}}[-]?[0-9][0-9-]{{3,20}}){_ENDS}"
    rf"|住(?P<z>[0-9]{{6,10}})号)"
)
_RECORD_CUE = pattern(
    r"[号卡证码№INnhzbmjZBMJ住](?:(?:(?<=[号卡证码№])|(?<=I)D|(?<=N)o(?![A-Za-z])|(?<=[Nn])umber"
    r"|(?<=n)o\.|(?<=h)ao|(?<![A-Za-z].)(?:(?<=[zZ])(?i:yh)|(?<=[bB])(?i:lh|ah)"
    r"|(?<=[mM])(?i:zh|rn)|(?<=[jJ])(?i:zh)))"
    rf"(?:{GAP}|[^0-9A-Za-z。！？!?；;，,\n\ue000]{{1,8}}|[，,][如是为即])[A-Za-z]{{0,5}}[-–]?[0-9]"
    r"|(?<=住)[0-9]{6})"
)
"""The end of the word and the beginning of its number."""
_MORE = pattern(
    r"(?:[、，,;；/和及与或 ]{1,2}|以及|还是|或者|或是|改为|改成)"
    rf"(?P<n>[A-Za-z]{{0,4}}-?[0-9][0-9-]{{4,20}}){_ENDS}(?!月|年|日)"
)
_BEHIND = pattern(r"[Nn](?<![0-9A-Za-z].)[Oo]\.?(?P<n>[0-9]{6,10}) ?(?:住院|门诊)病历")
_LISTED = pattern(
    r"(?<![0-9A-Za-z.-])(?:[0-9]{5,12}[、，, ]){0,20}[0-9]{5,12}"
    r"(?=[（(](?:均|都)?[为是]?(?:住院|病[历案]|门诊|就诊)(?:号|卡号))"
)
_LISTED_CUE = pattern(r"[（(](?:均|都)?[为是]?(?:住院|病[历案]|门诊|就诊)")
_ONE = pattern(r"[0-9]{5,12}")
_HEAD = pattern(r"(?:住院|病历|病案|门诊|登记|病理|检查|就诊卡?)(?:号码?|编号)")
_HEAD_WORDS = ("院号", "历号", "案号", "诊号", "记号", "理号", "查号", "卡号", "编号")
_CELL = pattern(r"[A-Za-z]{0,4}-?[0-9][0-9-]{3,19}")
_OF_A_TRIAL = pattern(
    r"(?i:NCT|ChiCTR|CTR|CRD|ISRCTN|DRKS|ACTRN|UMIN|KCT|JPRN|EUCTR|PROSPERO|GSE|GSM|PRJ|SRR|XA"
    r"|[A-Z]\d{2}[A-Z]{2})"
    r"|[0-9]{2,7}-[0-9]{2}-[0-9]$"
)
_TRIAL_BEFORE = pattern(
    r"(?:CAS|试验|研究|前瞻性|综述|评价|Meta分析|方案|伦理|软件|著作权|商标|药品|产品|器械"
    r"|批件)[^，。；]{0,4}$"
)
_FOREIGN = pattern(
    r"(?:机构|药品|产品|器械|试剂|设备|仪器|批|病毒|菌株|论文|稿件|基金|项目|专利|合同|订单|快递"
    r"|商品)[^，。；]{0,4}$"
)
RECORD_CUES = (
    "号",
    "ID",
    "卡",
    "编",
    "No",
    "NO",
    "MRN",
    "mrn",
    "zyh",
    "ZYH",
    "blh",
    "mzh",
    "№",
    "umber",
    "码",
    "hao",
)


def record_numbers(text: str, windows: Windows) -> Spans:
    found = []
    for match in matches(_RECORD, text, windows, _RECORD_CUE):
        start, end = match.span(match.lastgroup or 0)
        number = text[start:end]
        digits = sum(c.isdigit() for c in number)
        if not 4 <= digits <= 20 or _OF_A_TRIAL.match(number):
            continue
        before = max(0, match.start() - 6)
        if "登记" in match[0] and _TRIAL_BEFORE.search(text, before, match.start() + 2):
            continue
        if _FOREIGN.search(text, before, match.start()):
            continue
        if digits < 7 and UNIT.match(text, end):
            continue
        if digits == 4 and (number[:2] in ("19", "20") or match.lastgroup != "n"):
            continue
        found.append((start, end))
        while more := _MORE.match(text, end):
            found.append(more.span("n"))
            end = more.end()
    for column in columns(text, _HEAD, _HEAD_WORDS):
        found += [span for span in column if _CELL.fullmatch(text, *span)]
    yield from found
    rest = blank(text, found)
    for match in matches(_BEHIND, rest, windows):
        yield match.span("n")
    for match in matches(_LISTED, rest, windows, _LISTED_CUE):
        yield from (one.span() for one in _ONE.finditer(rest, *match.span()))
