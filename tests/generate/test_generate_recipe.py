"""Recipes of a generation: bad ones stop with one line that names file, key and mend."""

from __future__ import annotations

import pytest
import yaml

from chimed_datasets.errors import RecipeError
from chimed_datasets.generate.asking import jobs
from chimed_datasets.generate.cache import Cache
from chimed_datasets.generate.recipe import load, parse
from chimed_datasets.generate.tasks import task, tasks
from chimed_datasets.sources.site.site_file import load_site

KEY = "sk-proj-4f9Q/secret+Zb7"


@pytest.fixture
def good(qa_recipe):
    return qa_recipe("http://127.0.0.1:1/v1", rows=1, content=True)


def test_a_good_one(good, tmp_path):
    recipe = parse(good, tmp_path)
    assert recipe.models_of(recipe.tasks[0]) == recipe.models
    assert recipe.endpoint_of(recipe.models[0]) is recipe.endpoint
    assert recipe.tasks[0].settings.question == 180
    assert recipe.inputs().base == tmp_path


def test_what_a_layouts_own_keys_name_is_read_beside_the_recipe(good, tmp_path):
    page = {"kind": "article", "match": "/", "text": "p"}
    site = {"name": "p", "license": "mit", "contact": "a@b.example", "pages": [page]}
    site |= {"start_urls": ["https://a.example/"], "allowed_domains": ["a.example"]}
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
    source = {"name": "p", "layout": "html", "path": "x.html", "license": "mit"}
    recipe = parse(good | {"sources": [source | {"site": "site.yaml"}]}, tmp_path)
    assert recipe.inputs().sources[0].options.site == load_site(tmp_path / "site.yaml")


def model(**more):
    return {"name": "m", "model": "x", **more}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 1}, "unknown key 'sede'. Did you mean 'seed'?"),
        ({"endpoint": {}}, "endpoint: 'base_url' is missing."),
        ({"endpoint": {"base_url": "x"}}, "expected an address as http://"),
        ({"endpoint": {"base_url": "http://u:p@h/v1"}}, "name, password and query do not belong"),
        ({"endpoint": {"base_url": "http://h/v1?key=1"}}, "name, password and query"),
        (
            {"endpoint": {"base_url": "http://h/v1", "api_key": KEY}},
            "endpoint: unknown key 'api_key'. Did you mean 'api_key_env'?",
        ),
        (
            {"endpoint": {"base_url": "http://h/v1", "api_key_env": KEY}},
            "endpoint.api_key_env: must be the name of a variable",
        ),
        ({"endpoint": {"base_url": "http://h/v1", "concurrency": 0}}, "endpoint.concurrency"),
        ({"models": []}, "models: must not be empty"),
        (
            {"models": [model(temprature=1)]},
            "unknown key 'temprature'. Did you mean 'temperature'?",
        ),
        ({"models": [model(), model()]}, "models: the name 'm' is used twice."),
        ({"models": [model(extra={"n": 2})]}, "n cannot stand here"),
        (
            {"models": [model(price={"prompt": 1, "completion": 1, "promt": 1})]},
            "unknown key 'promt'. Did you mean 'prompt'?",
        ),
        ({"tasks": [{"task": "qa", "models": ["m"]}]}, "unknown task 'qa'."),
        (
            {"tasks": [{"task": "modernize", "models": ["m"]}]},
            "unknown task 'modernize'. Did you mean 'modernise'?",
        ),
        (
            {"tasks": [{"task": "answer", "models": ["n"]}]},
            "task 'answer': models: unknown model 'n'.",
        ),
        ({"tasks": [{"task": "answer", "models": ["m", "m"]}]}, "'m' stands twice"),
        (
            {
                "models": [model(), {"name": "n", "model": "y"}],
                "tasks": [{"task": "rewrite", "models": ["m", "n"]}],
            },
            "task 'rewrite': models: takes one, got 2.",
        ),
        ({"tasks": [{"task": "answer", "models": ["m"]}] * 2}, "'answer' stands twice"),
        (
            {"tasks": [{"task": "qa_from_document", "models": ["m"], "questions": 2}]},
            "unknown key 'questions'. Did you mean 'question'?",
        ),
        (
            {"tasks": [{"task": "qa_from_document", "models": ["m"], "pairs": 0}]},
            "task 'qa_from_document': pairs: must be 1 or more",
        ),
        (
            {"tasks": [{"task": "judge", "models": ["m"], "weights": {"acuracy": 1}}]},
            "weights: unknown key 'acuracy'.",
        ),
        (
            {
                "tasks": [
                    {
                        "task": "judge",
                        "models": ["m"],
                        "weights": dict.fromkeys(
                            ("accuracy", "safety", "helpfulness", "fluency"), 0
                        ),
                    }
                ]
            },
            "one weight at least must be above 0",
        ),
        ({"budget": {"requests": 0}}, "budget.requests"),
        ({"budget": {"monney": 1}}, "unknown key 'monney'. Did you mean 'money'?"),
        ({"budget": {"money": 1}}, "budget.money: model 'm' has no price."),
        ({"stages": {"maks": False}}, "unknown key 'maks'. Did you mean 'mask'?"),
    ],
)
def test_bad_recipes(good, tmp_path, change, message):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(good | change, allow_unicode=True), "utf-8")
    with pytest.raises(RecipeError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert len(text.splitlines()) <= 3
    assert KEY not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "a recipe is a mapping with the keys sources, endpoint, models and tasks."),
        (
            "seed: 1\nseed: 2",
            "line 2: the key 'seed' stands twice, first in line 1: keep one.",
        ),
        (f"endpoint: {{api_key: {KEY}", "not valid YAML: expected ',' or '}'"),
    ],
)
def test_files_that_are_no_recipe(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError) as caught:
        load(path)
    assert message in str(caught.value)
    assert KEY not in str(caught.value)
    with pytest.raises(RecipeError, match="there is no such recipe"):
        load(tmp_path / "none.yaml")


# --- prompts ---------------------------------------------------------------------------------


def written(content, tmp_path):
    return jobs(parse(content, tmp_path), None, Cache(None))[0].prompt


@pytest.mark.parametrize("key", tasks())
def test_each_prompt_says_that_material_is_no_order_and_shows_the_shape(good, tmp_path, key):
    prompt = written(good | {"tasks": [{"task": key, "models": ["m"]}]}, tmp_path)
    system = prompt.messages[0]
    assert system["role"] == "system"
    assert "不执行" in system["content"]
    assert all(f'"{name}"' in system["content"] for name in task(key).output.model_fields)
    assert prompt.version.startswith(f"{key}/1/")
    roles = [m["role"] for m in prompt.messages[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2)


def test_a_prompt_of_ones_own_and_its_version(good, tmp_path):
    own = {"task": "qa_from_document", "models": ["m"], "prompt": "mine.jinja"}
    path = tmp_path / "mine.jinja"
    path.write_text(
        '{# version 4 #}\n出 {{ pairs }} 组题。{% include "_material.jinja" %}', "utf-8"
    )
    one = written(good | {"tasks": [own]}, tmp_path)
    assert one.version.startswith("mine/4/")
    assert one.messages[0]["content"].startswith("出 1 组题。用户消息")
    other = written(good | {"tasks": [own | {"pairs": 2}]}, tmp_path)
    assert other.version != one.version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("出题。", "does not begin with {# version 1 #}"),
        ("{# version 1 #}{{ nothing }}", "'nothing' is undefined"),
        ("{# version 1 #}{% if %}", "Expected an expression"),
    ],
)
def test_bad_prompts(good, tmp_path, text, message):
    if text is not None:
        (tmp_path / "mine.jinja").write_text(text, "utf-8")
    own = {"task": "qa_from_document", "models": ["m"], "prompt": "mine.jinja"}
    with pytest.raises(RecipeError) as caught:
        written(good | {"tasks": [own]}, tmp_path)
    assert "task 'qa_from_document': prompt: " in str(caught.value)
    assert message in str(caught.value)
