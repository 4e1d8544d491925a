"""Names and postal addresses behind the word that announces them.

In free prose a name looks like any other word: 白芷 and 黄芩 are herbs, 张景岳 wrote a book. So
a name is taken where a form says that one follows (姓名：, 联系人：), and an address where a word
says so and it is built like one. :func:`may_name_a_person` tells which texts may tell a name in
prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..text.patterns import pattern
from .folding import SURNAMES, Spans, Windows, blank, matches
from .tables import columns

_DOUBLE = (
    "司马|上官|欧阳|夏侯|诸葛|闻人|东方|赫连|皇甫|尉迟|公羊|澹台|公冶|宗政|濮阳|淳于|单于|太叔"
    "|申屠|公孙|仲孙|轩辕|令狐|钟离|宇文"
    "|长孙|慕容|鲜于|闾丘|司徒|司空|南宫|端木|独孤|拓跋|百里|西门|呼延"
)
_HAN = "[\u3400-\u9fff]"
_SURNAME = rf"(?:{_DOUBLE}|[{SURNAMES}])"
# Words of a form: the next field, not a name.
_FIELD = (
    "性别|年龄|年纪|职业|电话|手机|住址|地址|民族|婚姻|婚否|科室|科别|病区|床号|床位|住院|门诊"
    "|诊断|病历|病案|日期|时间|出生|籍贯"
    "|单位|联系|身份|证件|签名|签字|编号|号码|拼音|主诉|检查|送检|临床|入院|出院|诊疗|关系|身高"
    "|体重|血型|病史|过敏|月龄|孕周|孕次|费别"
    "|家属姓名|监护|备注|文化|学历|疗效|姓名|体检|标本|就诊|报告|审核|初诊|药品|医院|疾病|症状"
    "|方法|结果|体温|血压|地点|项目|类型|国籍|职务|职称|学号|班级"
)
_NONE = (
    "您的|你的|我的|他的|她的|慎用|禁用|忌用|宜|不详|未知|未提供|未填|未写|未留|同上|同前|保密"
    "|匿名|隐去|隐私|略|无|暂无|待查|待定|见|请|如下|本人|患者|病人|家属|父亲?|母亲?|爱人|配偶"
    "|丈夫|妻子|儿子|女儿"
    "|夫妻|医生|护士|医师|男|女|先生|女士|已|系统|自己|其他|代签|栏|一栏|真实|必填|不得|不要"
    "|不能|不同|可|的|和患|及|与|或|是否|和性|和年|和联|和电|等|填|空白|需|须|应|由|对|错|准确"
    "|完整"
    "|清楚|一致|相同|正确|模糊|涂改|信息|资料|登记|字样|使用|要求"
)
_BEFORE_NEXT = rf"(?=$|[^\u3400-\u9fffA-Za-z·•\ue000]|(?:{_FIELD}|[男女](?![\u3400-\u9fff])))"
_GIVEN = (
    rf"(?:{_HAN}{{1,12}}(?:[·•・.]{_HAN}{{1,12}}){{1,3}}"
    rf"|{_HAN}(?: {{1,2}}{_HAN}{{1,2}}(?=[ 　]{{0,2}}(?:$|[^\u3400-\u9fff ]|{_FIELD}))"
    rf"|{_HAN}{{1,3}}?)"
    r"|[A-Z][a-z]{1,15}(?: [A-Z][a-z]{1,15}){1,2}|[A-Z]{2,12} [A-Z]{2,15})"
)
_NAME = rf"(?!{_FIELD})(?!(?:{_NONE}))(?P<n>{_GIVEN}){_BEFORE_NEXT}"
_KNOWN = (
    rf"(?!{_FIELD})(?!(?:{_NONE}))(?P<n>(?:{_HAN}{{1,12}}[·•・]{_HAN}{{1,12}}"
    rf"(?:[·•・]{_HAN}{{1,12}})?|{_SURNAME}(?: ?{_HAN}){{1,2}}?))"
    r"(?=$|[^\u3400-\u9fffA-Za-z0-9·•\ue000]|[0-9]{7}|(?:电话|手机|关系|性别|身份证|住址)[:： 是])"
)

_STRONG_GAP = (
    r"[】\])）」”\"'*]{0,3} ?(?:[(（][^()（）\n]{1,8}[)）])?(?:[/、](?:性别|年龄|床号|科室"
    r"|电话)){0,4} ?"
    r"(?:[:：=＝|｜│┃\t]|是(?=" + _SURNAME + r"))[ \n\t\"“'【\[*|]{0,3}"
)
_WEAK_GAP = r"(?:[】\])）」] ?|[ \t]{1,4}|\n)"
_AUTHORS = (
    r"(?<!作者姓)(?<!编者姓)(?<!著者姓)(?<!医家姓)(?<!药品姓)(?<!通用姓)(?<!主编姓)(?<!译者姓)"
    r"(?<!医师姓)(?<!医生姓)(?<!商品姓)"
)
_FIELD_NAME = pattern(rf"姓{_AUTHORS} {{0,4}}名{_STRONG_GAP}{_NAME}")
_FIELD_KNOWN = pattern(rf"姓{_AUTHORS} {{0,4}}名{_WEAK_GAP}(?!{_HAN}{{2,4}} ?[:：]){_KNOWN}")
# Who acts in a file: a class of words before 人, 者 and the like, and those who treat.
_ACTS = (
    "联系|联络|收件|收货|收药|寄件|发件|取药|取件|代取|代办|经办|监护|代理|申请|委托|受托"
    "|受?委托|投诉|投保|被?保险|参保|被鉴定|被监护|鉴定|陪护|陪同|陪诊|照护|照顾|护理"
    "|就诊|受检|送检|采样|献血|受血|捐献|捐赠|登记|填表|填报|报告|记录|保证|担保|签收|签署|同意"
    "|见证|证明|付款|收款|汇款|开户|持卡|持证|报案|负责|紧急联系"
    "|受试|体检|受检|就诊|受助|救助|求助|陈述|供史|户|案|受种|接种|当事|举报|肇事|被告|原告|当事"
    "|法定代理|被抚养|抚养|赡养|预约|挂号|缴费|退款|领药|领取|代领|叙述|病史陈述|寄养|借阅|复印"
)
_TREATS = (
    "主刀|术者|[一二三]助|第[一二三]助手|助手|(?:经治|经管|管床|上级|主管|值班|接诊|送检|手术"
    "|麻醉|报告|审核|复核|记录|诊断|检验|操作|执行|书写|住院|下级)(?:医[师生]|者|人员|护士)"
    "|(?:责任|器械|巡回|主班|值班|洗手)护士|麻醉师"
)
_ROLE = (
    rf"(?:(?:{_ACTS})[人者主]|家属|病家|患方|产妇|孕妇|患儿|{_TREATS}"
    r"|(?:家属|患者|病人|本人|亲属|医生|医师|护士|患方|医方|监护人|代理人|委托人|受托人"
    r"|主任)?签 ?[名字])"
)
_ROLE_NAME = pattern(
    r"(?=[联收寄发取代经监委申受投被参鉴陪照护就送采献捐登填报记保担签同见证付汇开持负紧病患体救"
    r"求陈供户案接当举肇"
    r"原法赡抚预挂缴退领叙借复家产孕主术一二三第助管床上值手麻审诊检操执书住下责器巡洗本亲医])"
    rf"(?<!作)(?<!编)(?<!责任)(?:{_ROLE}){_STRONG_GAP}{_KNOWN}"
)
# Words that open a turn of a dialogue, too: what follows must go on as a file does.
_PATIENT = pattern(
    rf"(?:患者|病人|病者|患儿|产妇|孕妇|[伤死]者){_STRONG_GAP}(?!{_FIELD}"
    rf")(?!(?:{_NONE}))(?P<n>{_HAN}{{2,4}}?)"
    r"(?= {0,2}[，,、（( 　;；\t|│]{1,2} ?(?:[男女]|[一二三四五六七八九十]{1,3}岁|年"
    r"|[0-9]{1,3} ?岁|[汉蒙藏回壮满苗][\u3400-\u9fff]{0,2}族|G[0-9]|产后|孕))"
)
_SENT_TO = pattern(rf"(?:收件人|收货人|联系人|收药人|寄件人|签 ?[名字] {{1,3}}){_KNOWN}")
_NO_GAP = pattern(rf"姓(?<!作者姓)名{_KNOWN}(?=，(?:性别|年龄|[男女]))")
_LATIN = pattern(
    r"(?:(?:^|[\n|。；;，,(] ?|[Pp]atient(?:'s)? |[Ff]ull |PATIENT )(?:[Nn]ame|NAME)"
    r"|[Ee]mergency [Cc]ontact)"
    r" ?[:：] ?(?P<n>[A-Z][a-z]{1,15}(?:[ -][A-Z][a-z]{0,15}\.?){1,3}(?! ?[Tt]ablets)"
    r"|[A-Z]{2,12}(?: [A-Z]{2,15}){1,2})(?![A-Za-z])"
)
_HEARD = pattern(rf"【(?:患者|病人|患儿|产妇)】{_KNOWN}")
_TURN = pattern(r"(?:患者|病人|患儿|孕妇|病者|家属)$")
_HIDDEN = pattern(r"[某×*]")

_NOT_A_NAME = pattern(
    r".{0,3}(?:阴性|阳性|正常|异常|疼痛?|痛|病|症|炎|癌|汤|散|丸|片|胶囊|颗粒|人员|护士|医师"
    r"|医生|科|院|部|处|办|室|公司|中心|同意|拒绝|知情)"
)


_OF_NAMES = (
    (_FIELD_NAME, ("姓",)),
    (_FIELD_KNOWN, ("姓",)),
    (_ROLE_NAME, (*"人者主属家方妇儿助刀师士签",)),
    (_PATIENT, ("患", "病", "妇")),
    (_SENT_TO, ("件人", "货人", "系人", "药人", "签")),
    (_HEARD, ("【",)),
    (_NO_GAP, ("姓名",)),
    (_LATIN, ("ame", "AME", "ontact")),
)


_ROLE_CUE = pattern(
    rf"[人者主属家方妇儿刀助手师生员士名字]{_STRONG_GAP}(?:{_SURNAME}|{_HAN}{{1,12}}[·•・])"
)


_LONGEST_ROLE = 8


def _roles(text: str, windows: Windows) -> Iterator[re.Match[str]]:
    """As `matches` of _ROLE_NAME, which would be tried at each character."""
    for begin, end in windows:
        at = begin
        while cue := _ROLE_CUE.search(text, at, end):
            at = cue.start() + 1
            for start in range(max(begin, at - _LONGEST_ROLE), at):
                if match := _ROLE_NAME.match(text, start, end):
                    yield match
                    begin = match.end()
                    at = max(at, begin)
                    break
            else:
                begin = max(begin, at)


def person_names(text: str, windows: Windows) -> Spans:
    """A name behind the field of a form, or behind who acts in a file."""
    found: list[tuple[int, int]] = []
    for one, cues in _OF_NAMES:
        if not any(map(text.__contains__, cues)):
            continue
        for match in _roles(text, windows) if one is _ROLE_NAME else matches(one, text, windows):
            start, end = match.span("n")
            name = match["n"]
            if name.startswith("之一") or _HIDDEN.search(name):
                continue
            if text[end : end + 1] in ("某", "×", "*"):
                continue
            if one is _ROLE_NAME:
                if _TURN.search(text, max(0, match.start("n") - 8), _word_end(text, match)):
                    continue
                if _NOT_A_NAME.fullmatch(name):
                    continue
            found.append((start, end))
        text = blank(text, found)
    yield from found
    for column in columns(text, _NAME_HEAD, _NAME_HEADS):
        for start, end in column:
            if _CELL_NAME.fullmatch(text, start, end):
                yield start, end


def _word_end(text: str, match: re.Match[str]) -> int:
    """Return where the announcing word of a match ends: before the gap and the name."""
    end = match.start("n")
    while end and not "\u3400" <= text[end - 1] <= "\u9fff":
        end -= 1
    return end


_NAME_HEAD = pattern(r"(?:[\u3400-\u9fff]{0,4}姓 ?名|联系人|监护人|收件人)")
_NAME_HEADS = ("姓名", "姓 名", "联系人", "监护人", "收件人")
_CELL_NAME = pattern(
    rf"(?!{_FIELD})(?!(?:{_NONE}))(?:{_SURNAME} ?{_HAN}{{1,3}}|{_HAN}{{1,8}}·{_HAN}{{1,8}})"
)

# --- addresses ---------------------------------------------------------------------------------

_UNITS = (
    r"(?:省|市|自治[区州县旗]|特区|[区县州盟旗镇乡村路街巷弄道号栋幢座楼室屯庄寨屋坪院园苑厦寓里"
    r"坊社队组胡同宿舍]|小区|社区|花园|大道|公寓|单元|工业区|公社|[0-9]-[0-9])"
)
_PART = r"[\u3400-\u9fff0-9A-Za-z#·－—–\-/~、]"
_PLACE = (
    rf"(?P<n>(?=[\u3400-\u9fff]){_PART}{{2,48}}?(?:[ ](?=[\u3400-\u9fff0-9A-Za-z-]{{1,20}}(?:[区"
    rf"县镇乡村路街号栋幢楼室]|单元|小区)){_PART}{{1,40}}?){{0,4}})"
)
_STOP = r"(?=$|[ \n\t，,。；;：:|｜│）)（(【】\[\]「」『』\"“”'’！!？?\ue000\r*])"
_FIRMS = (
    "网|IP|MAC|邮箱|邮件|网络|生产|注册|企业|公司|厂家|医院|药店|门店|报名|会议|下载|链接|内存"
    "|服务器|诊所"
)
_PLACE_OF = "(?<=地)" + "".join(f"(?<!{firm}地)" for firm in _FIRMS.split("|"))
_GAP = (
    r"[】\])）」”\"'*]{0,3} ?(?:[(（][^()（）\n]{1,8}[)）])?(?:[:：=＝|｜│\t]|[是为](?!否)[:：]?"
    r"|在)[ \n\t\"“'【\[*]{0,3}"
)
_FIELD_ADDRESS = pattern(
    rf"[地住居户常家现](?:{_PLACE_OF} {{0,2}}址|(?<=住)(?: {{0,2}}址| ?所)|(?<=居)住地"
    rf"|(?<=户)(?:籍地|[籍口]所在地)|(?<=家)庭所在地|(?<=常)住地|(?<=现)住(?=[:：])"
    rf"|(?<=户)籍(?=[:：])){_GAP}{_PLACE}{_STOP}"
)
_WEAK_ADDRESS = pattern(
    rf"[地住家居现我户寄送邮快发配，。；\n人爸妈父母亲者](?:(?:{_PLACE_OF}|(?<=住))址"
    rf"(?:[】\])）」] ?|[ \t]{{1,3}}|\n|(?=[\u3400-\u9fff]{{2,8}}(?:省|市|自治)))"
    rf"|(?<=家)[住在] ?|(?<=居)住于|(?<=现)住(?!址)|(?<=住)在|(?<=我)住|(?<=户)籍在"
    rf"|(?:(?<=[寄送发])|(?<=邮)寄|(?<=快)递|(?<=配)送)[到往至]了?[:：]?"
    rf"|(?:(?<=住)(?<![\s\S]{{2}})|(?<=[，。；\n人我爸妈父母亲者])住)(?![院址所宿宅]))"
    rf"{_PLACE}{_STOP}"
)
_WEAK_CUE = pattern(
    r"[址住家籍寄送递发](?:(?<=址)|(?<=[家现我]住)|(?<=住)(?![院址所宿宅])|(?<=[家籍])在"
    r"|(?<=[寄送递发])[到往至])"
)
_UNIT = pattern(_UNITS)
_DETAIL = pattern(r"[路街巷弄村镇乡屯庄寨组栋幢]|号|单元|[0-9]室|小区|花园|公寓|社区|[0-9]-[0-9]")
_WIDE_PLACE = pattern(r"[省市县区州旗镇乡]|街道|小区|花园|公寓|社区")
_NO_PLACE = pattern(
    r"(?:变更|不详|同上|无$|(?:见|请|略|如)(?!.{1,4}[省市县区])|未|保密|栏|填|信息|错误|医院"
    r"|本院|我院|门诊|病房|急诊)"
)
_PROSE = pattern(r"^[在这那什哪何]|的|了|吗|还是|一个|比较|什么|哪|被|没有|或者?|如果|可以|需要|是")
"""Words that no address holds."""
_FIRM_BEFORE = pattern(
    r"(?:企业|公司|厂家|制药|医院|药厂|生产商|经销商|诊所|门诊部|药店|药房|学校|研究所|主办单位"
    r"|承办|会场|单位)[^\n]{0,30}$"
)


def postal_addresses(text: str, windows: Windows) -> Spans:
    """An address behind its word, built of the units of one."""
    found: list[tuple[int, int]] = []
    for match in matches(_FIELD_ADDRESS, text, windows):
        place = match["n"]
        if _NO_PLACE.match(place) or _PROSE.search(place) or not _UNIT.search(place):
            continue
        word = text[match.start() : match.start("n")]
        if (
            word.startswith("地")
            and not "\u3400" <= text[match.start() - 1 : match.start()] <= "\u9fff"
            and _FIRM_BEFORE.search(text, max(0, match.start() - 40), match.start())
        ):
            continue
        found.append(match.span("n"))
    text = blank(text, found)
    for match in matches(_WEAK_ADDRESS, text, windows, _WEAK_CUE):
        place = match["n"]
        if _NO_PLACE.match(place) or _PROSE.search(place) or len(_UNIT.findall(place)) < 2:
            continue
        if _DETAIL.search(place) and _WIDE_PLACE.search(place):
            found.append(match.span("n"))
    found += [m.span("n") for m in matches(_LATIN_ADDRESS, text, windows)]
    yield from found
    for column in columns(text, _ADDRESS_HEAD, ("地址", "住址")):
        for start, end in column:
            if _UNIT.search(text, start, end) and not _NO_PLACE.match(text, start, end):
                yield start, end


_LATIN_ADDRESS = pattern(
    r"[Aa](?:(?<=[Aa])ddress|(?<=A)DDRESS)"
    r"(?<![Ww]eb .{7})(?<![Ee]mail .{7})(?<![Mm]ail .{7})(?<!IP .{7})[)）]? ?[:：] ?"
    r"(?P<n>(?=[^\n:：@]{0,60}[0-9])[A-Z0-9](?:[A-Za-z0-9 '#/-]"
    r"|,(?! ?[\u3400-\u9fff])|\.(?= ?[0-9])){8,100})"
)
_ADDRESS_HEAD = pattern(r"[\u3400-\u9fff]{0,4}(?:地址|住址)")
_FULL = rf"{_SURNAME}(?!先生|女士|小姐|医生|大夫|老师|主任|阿姨|某){_HAN}{{1,2}}"
_IN_PROSE = pattern(
    r"(?:(?:我|名|名字|本人|儿子|女儿|孩子|宝宝|他|她)叫|名字是|本人(?:姓名)?|姓名是?)"
    rf"{_FULL}(?=[，,。；;、！!\s（(]|$|今年|[男女])"
    rf"|我是{_FULL}(?=[，,。！!]|今年)"
    rf"|(?:患者|病人|患儿|产妇){_FULL}[，, ]{{1,2}}(?:[男女][，, 。、0-9]|[0-9]{{1,2}}岁)"
)


def may_name_a_person(text: str) -> bool:
    """True where a phrase of prose that tells a name (我叫, 患者…，男) is followed by one."""
    return any(not _HIDDEN.search(m[0]) and "[" not in m[0] for m in _IN_PROSE.finditer(text))
