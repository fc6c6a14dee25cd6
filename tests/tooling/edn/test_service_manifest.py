import pytest

from monorepo.edn import service_manifest
from monorepo.edn.package_manifest import Internal
from monorepo.edn.service_manifest import ServiceManifest, read_service
from monorepo.system.errors import UsageError

PATH = "services/py/api/service.edn"
WHOLE = """\
{:service/name "api"
 :runtime {:lang :python :entry "acme_svc_api.main" :workers 2}
 :deps {:python ["fastapi>=0.165" {:pkg "acme-core" :extras ["io"]}]}
 :endpoints [{:method :get :path "/notes/{id}" :handler "acme_core.routes:read"}
             {:method :get :path "/files/{rest:path}" :handler "acme_core.routes:file"}
             {:method :websocket :path "/live" :handler "acme_core.live:live"}]
 :jobs [{:name "cleanup" :handler "acme_core.jobs:cleanup"}]
 :lifespan "acme_core.app:lifespan"
 :checks {"database" "acme_core.app:check"}
 :resources {:cpu 2 :gpu 1 :npu 0}
 :telemetry {:otel true}
 :env {"DATABASE_URL" {:type :string :default "sqlite:///x.db" :secret true :doc "the notes"}
       "WEB_URL" {:type :url}
       "RATIO" {:type :number :default 1 :choices [1 0.5]}
       "LABEL" {:required false}}}
"""


def manifest(**changed: str) -> str:
    """Return a service.edn with other parts, given as EDN."""
    parts = {"runtime": '{:lang :python :entry "acme_svc_api.main"}'} | changed
    inner = " ".join(f":{name} {text}" for name, text in parts.items())
    return f'{{:service/name "api" {inner}}}'


def mistakes(text: str) -> list[str]:
    with pytest.raises(UsageError) as error:
        read_service(text, PATH)
    return [*error.value.mistakes]


def test_all_that_a_service_may_say() -> None:
    found = read_service(WHOLE, PATH)

    assert found.name == "api"
    assert found.runtime.workers == 2
    assert found.deps.python == ("fastapi>=0.165", Internal(pkg="acme-core", extras=("io",)))
    assert [one.method for one in found.endpoints] == ["get", "get", "websocket"]
    assert (found.resources.cpu, found.resources.gpu) == (2, 1)
    required = {name: one.is_required for name, one in found.env.items()}
    assert required == {"DATABASE_URL": False, "WEB_URL": True, "RATIO": False, "LABEL": False}


def test_what_is_not_said_has_a_default() -> None:
    found = read_service(manifest(), PATH)

    assert (found.endpoints, found.jobs, found.env, found.lifespan) == ((), (), {}, None)
    assert found.resources.model_dump() == {"cpu": 1, "gpu": 0, "npu": 0}
    assert not found.telemetry.otel


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/", {}),
        ("/a/{b}/c/{d_1}", {"b": False, "d_1": False}),
        ("/files/{rest:path}", {"rest": True}),
    ],
)
def test_the_parameters_of_a_path(path: str, names: dict[str, bool]) -> None:
    assert service_manifest.parameters(path) == names


def route(path: str) -> str:
    return manifest(endpoints=f'[{{:method :get :path "{path}" :handler "a:b"}}]')


@pytest.mark.parametrize("path", ["/a", "/{a}/{b}", "/.well-known/a", "/a/{b:path}"])
def test_a_path_that_both_languages_have(path: str) -> None:
    assert read_service(route(path), PATH).endpoints[0].path == path


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a", 'is not a path; write one such as "/notes/{id}"'),
        ("", "is not a path"),
        ("//a", "is not a path"),
        ("/a/", "is not a path"),
        ("/a b", "is not a path"),
        ("/a?b=1", "is not a path"),
        ("/a/:b", "is not a path"),
        ("/x-{y}", "is not a path"),
        ("/{a}{b}", "is not a path"),
        ("/{1}", "is not a path"),
        ("/{a}/{a}", "has a parameter twice; give each one a name of its own"),
        ("/{a:path}/b", "has a parameter with slashes before its end; put {name:path} at the end"),
        ("/health", "is a path of every service; choose another one"),
        ("/openapi.json", "is a path of every service"),
    ],
)
def test_a_path_that_is_refused(path: str, problem: str) -> None:
    (mistake,) = mistakes(route(path))
    assert problem in mistake


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"runtime": '{:lang "python" :entry "a.main"}'}, "is a string; write :python"),
        ({"runtime": '{:lang :ruby :entry "a.main"}'}, "write :python or :node"),
        ({"runtime": "{:lang :node}"}, "has no :entry; write it"),
        ({"runtime": '{:lang :python :entry "../../x.main"}'}, "is no entry point in :python"),
        ({"runtime": '{:lang :python :entry "main"}'}, 'write one such as "acme_svc_api.main"'),
        ({"runtime": '{:lang :node :entry "../x.ts"}'}, "is no entry point in :node; write one"),
        ({"runtime": '{:lang :node :entry "/x.ts"}'}, "is no entry point in :node; write one"),
        ({"runtime": '{:lang :python :entry "a.main" :workers 0}'}, "greater than or equal to 1"),
        ({"endpoint": "[]"}, ":endpoint is not a key here; write :endpoints"),
        ({"lifespan": '"acme_core.app"'}, 'is not a handler; write "module:function"'),
        ({"checks": '{"database" :x}'}, ":x is not a string"),
        ({"jobs": '[{:name "Clean up" :handler "a:b"}]'}, '"Clean up" is not a name; use lower'),
        ({"jobs": '[{:name "a" :handler "a:b" :cron "x"}]'}, '"x" is no schedule; write minute'),
        ({"deps": '{:python ["not one!!"]}'}, "is not a requirement; write a name and a range"),
        ({"deps": '{:python [{:pkg "a b"}]}'}, "is not a valid name"),
        ({"deps": '{:python [{:pkg "a" :extras ["b] ; c"]}]}'}, "is not a valid name"),
        ({"deps": "{:python [3]}"}, 'is not a requirement; write one such as "httpx>=0.28"'),
        ({"deps": '{:node ["../a"]}'}, "is not the name of a package"),
        ({"deps": "{:node [3]}"}, 'is not a dependency; write one such as "@acme/core"'),
        ({"deps": '{:node [{"../a" "1"}]}'}, "is not the name of a package"),
        ({"resources": "{:gpu -1}"}, "greater than or equal to 0"),
        ({"resources": "{:gpu true}"}, "is not an integer"),
        ({"env": '{"port" {}}'}, '"port" is not the name of a variable; write one such as'),
        ({"env": '{"PORT" {}}'}, "PORT is a variable of every service; choose another name"),
        ({"env": '{"GPU" {}}'}, "GPU is a variable of every service"),
        ({"env": '{"MODEL_DUMP" {}}'}, "cannot be an attribute of settings, model_dump"),
        ({"env": '{"CLASS" {}}'}, "cannot be an attribute of settings, class"),
        ({"env": '{"A" {:type :integer :default "1"}}'}, "the default is not of the type :integer"),
        ({"env": '{"A" {:type :integer :default true}}'}, "the default is not of the type"),
        ({"env": '{"A" {:type :boolean :default 1}}'}, "the default is not of the type :boolean"),
        ({"env": '{"A" {:type :integer :default -1000000000000000}}'}, "has more than 15 digits"),
        ({"env": r'{"A" {:doc "one\nmore"}}'}, "has a line break; write it in one line"),
        ({"env": '{"A" {:type :url :default "x"}}'}, "the default is not of the type :url"),
        ({"env": '{"A" {:choices ["a" 1]}}'}, "the choice is not of the type :string"),
        ({"env": '{"A" {:choices ["a"] :default "b"}}'}, "the default is none of the choices"),
        ({"env": '{"A" {:default "b" :required true}}'}, "remove :required or :default"),
        ({"env": '{"A" {:type :integer :secret true}}'}, "a secret is a :string without choices"),
    ],
)
def test_what_is_refused(changed: dict[str, str], problem: str) -> None:
    (mistake,) = mistakes(manifest(**changed))
    assert mistake.startswith(f"{PATH}:1:")
    assert problem in mistake


def test_a_secret_is_never_in_a_message() -> None:
    text = manifest(env='{"A" {:secret true :type :integer :default "hunter2"}}')

    assert "hunter2" not in str(mistakes(text))


def test_all_mistakes_are_told_at_once_with_their_places() -> None:
    text = WHOLE.replace(":get :path", ":fetch :path").replace("2 :gpu 1", "2 :gpu 1.5")

    found = mistakes(text)

    assert [mistake.split(": ")[0] for mistake in found] == [
        f"{PATH}:4:23",
        f"{PATH}:5:23",
        f"{PATH}:10:26",
    ]


@pytest.mark.parametrize(
    ("changed", "problems"),
    [
        (
            {"deps": '{:node ["@acme/core"]}'},
            ["the service is in :python, and these are dependencies in :node; remove them"],
        ),
        (
            {
                "runtime": '{:lang :python :entry "a.main" :workers 2}',
                "jobs": '[{:name "a" :handler "a:b" :cron "@daily"}]',
            },
            ["each worker would run the scheduled jobs; write 1, or give the jobs a service of"],
        ),
        (
            {
                "endpoints": '[{:method :get :path "/{a}" :handler "a:b"}'
                ' {:method :put :path "/{a}" :handler "a:b"}'
                ' {:method :get :path "/{c}" :handler "a:b"}]',
                "jobs": '[{:name "a" :handler "a:b"} {:name "a" :handler "a:c"}]',
            },
            ["is number 1 of :endpoints once more; remove one of", "is number 1 of :jobs once"],
        ),
    ],
)
def test_what_its_parts_say_against_each_other(
    changed: dict[str, str], problems: list[str]
) -> None:
    found = mistakes(manifest(**changed))

    assert len(found) == len(problems)
    assert all(problem in one for one, problem in zip(found, problems, strict=True))


def test_every_key_has_a_field() -> None:
    """The model is what the JSON Schema in docs is made from."""
    properties = ServiceManifest.model_json_schema(by_alias=True)["properties"]

    assert [*properties][:3] == ["service/name", "runtime", "deps"]
