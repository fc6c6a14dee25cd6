import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.core import workspace
from monorepo.edn.service_manifest import ServiceManifest, read_service
from monorepo.syncing import service_config

Write = Callable[[dict[str, str]], None]
PYTHON, NODE = "services/py/api", "services/js/web"


@pytest.fixture
def space(root: Path, write: Write) -> workspace.Workspace:
    write(
        {
            f"{PYTHON}/pyproject.toml": (
                '[project]\nname = "tiny-svc-api"\nversion = "1.0"\n[tool.monorepo]\nport = 8003\n'
            ),
            f"{NODE}/package.json": json.dumps({"name": "@tiny/svc-web", "version": "1.0"}),
        }
    )
    return workspace.load(root)


def manifest(
    parts: str = "", lang: str = "python", entry: str = "tiny_svc_api.main"
) -> ServiceManifest:
    text = f'{{:service/name "api" :runtime {{:lang :{lang} :entry "{entry}"}} {parts}}}'
    return read_service(text, "service.edn")


def test_service_json_has_each_part_in_the_words_of_the_runtimes(
    space: workspace.Workspace,
) -> None:
    parts = """
     :endpoints [{:method :get :path "/a/{b}" :handler "tiny_core:b"}
                 {:method :websocket :path "/live" :handler "tiny_core:live"}]
     :jobs [{:name "nightly" :cron "0 3 * * *" :handler "tiny_core:j"}
            {:name "migrate" :handler "tiny_core:m"}]
     :lifespan "tiny_core:l" :checks {"database" "tiny_core:c"}
     :resources {:gpu 1} :telemetry {:otel true}
     :env {"URL" {:type :url :doc "wo es ist: ü"}
           "LEVEL" {:type :integer :default 0 :choices [0 1]}
           "KEY" {:secret true :required false}}
    """

    text = service_config.text(space.packages[PYTHON], manifest(parts))

    assert text.endswith("}\n")
    assert "wo es ist: ü" in text
    assert json.loads(text) == {
        "schema": 1,
        "name": "tiny-svc-api",
        "port": 8003,
        "workers": 1,
        "lifespan": "tiny_core:l",
        "checks": {"database": "tiny_core:c"},
        "routes": [
            {"method": "GET", "path": "/a/{b}", "handler": "tiny_core:b"},
            {"method": "WEBSOCKET", "path": "/live", "handler": "tiny_core:live"},
        ],
        "jobs": [
            {
                "name": "nightly",
                "handler": "tiny_core:j",
                "cron": "0 3 * * *",
                "at": {"minute": [0], "hour": [3], "day": None, "month": None, "weekday": None},
            },
            {"name": "migrate", "handler": "tiny_core:m", "cron": None, "at": None},
        ],
        "resources": {"cpu": 1, "gpu": 1, "npu": 0},
        "telemetry": {"otel": True},
        "settings": {
            "URL": {
                "type": "url",
                "required": True,
                "secret": False,
                "description": "wo es ist: ü",
            },
            "LEVEL": {
                "type": "integer",
                "required": False,
                "secret": False,
                "description": "",
                "default": 0,
                "choices": [0, 1],
            },
            "KEY": {"type": "string", "required": False, "secret": True, "description": ""},
        },
    }


def test_where_service_json_is(space: workspace.Workspace) -> None:
    python, node = space.packages[PYTHON], space.packages[NODE]
    own = f"{PYTHON}/src/tiny_svc_api/service.json"

    assert service_config.path(python, manifest()) == own
    inner = service_config.path(python, manifest("", "python", "tiny_svc_api.inner.main"))
    assert inner == own.replace("service.json", "inner/service.json")
    assert service_config.path(node, manifest("", "node", "src/main.ts")) == f"{NODE}/service.json"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ("", ["tiny-service[fastapi]"]),
        (
            ':deps {:python ["numpy>=2" {:pkg "tiny-core" :extras ["b" "a"]} {:pkg "tiny-more"}]}',
            ["numpy>=2", "tiny-core[b,a]", "tiny-more", "tiny-service[fastapi]"],
        ),
        (
            ':telemetry {:otel true} :endpoints [{:method :websocket :path "/" :handler "a:b"}]',
            ["tiny-service[fastapi,otel,websocket]"],
        ),
        (
            ':deps {:python ["Tiny_Service[client] >=0.1" "z"]}',
            ["tiny-service[client,fastapi] >=0.1", "z"],
        ),
    ],
)
def test_the_dependencies_in_python(
    space: workspace.Workspace, parts: str, found: list[str]
) -> None:
    service = space.packages[PYTHON]

    assert service_config.dependencies(space, service, manifest(parts)) == found


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ("", {"@tiny/service": "workspace:*", "fastify": "catalog:"}),
        (
            ':deps {:node ["@tiny/core" {"zod" "^4"}]}'
            ' :endpoints [{:method :websocket :path "/" :handler "a:b"}]',
            {
                "@fastify/websocket": "catalog:",
                "@tiny/core": "workspace:*",
                "@tiny/service": "workspace:*",
                "fastify": "catalog:",
                "zod": "^4",
            },
        ),
    ],
)
def test_the_dependencies_in_javascript(
    space: workspace.Workspace, parts: str, found: dict[str, str]
) -> None:
    read = manifest(parts, "node", "src/main.ts")

    assert service_config.dependencies(space, space.packages[NODE], read) == found


def test_telemetry_brings_what_the_runtime_asks_for_in_javascript(
    space: workspace.Workspace,
) -> None:
    read = manifest(":telemetry {:otel true}", "node", "src/main.ts")

    found = service_config.dependencies(space, space.packages[NODE], read)

    template = Path(service_config.__file__).parents[1] / "sub_templates/js-service-runtime"
    (package,) = template.glob("*/package.json")
    peers = {
        line.split('"')[1] for line in package.read_text("utf-8").splitlines() if '"@open' in line
    }
    assert peers <= {*found}
