"""Who may do what in the API server, and who may talk to whom."""

from tests.unit.infra.kustomization import Manifest, find

Rule = tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]


def rules_of(role: Manifest) -> set[Rule]:
    keys = ("apiGroups", "resources", "verbs", "resourceNames")
    assert all(set(rule) <= set(keys) for rule in role["rules"])
    return {_rule(*(part.get(key, []) for key in keys)) for part in role["rules"]}


def _rule(groups: list[str], resources: list[str], verbs: list[str], names: list[str]) -> Rule:
    return frozenset(groups), frozenset(resources), frozenset(verbs), frozenset(names)


def test_agent_writes_node_states_and_reads_nothing(objects: list[Manifest]) -> None:
    assert rules_of(find(objects, "ClusterRole", "leeward-agent")) == {
        _rule(["leeward.dev"], ["nodestates"], ["create", "patch"], []),
        _rule(["leeward.dev"], ["nodestates/status"], ["patch"], []),
    }


def test_extender_lists_and_watches_three_kinds(objects: list[Manifest]) -> None:
    assert rules_of(find(objects, "ClusterRole", "leeward-extender")) == {
        _rule(["leeward.dev"], ["nodestates"], ["list", "watch"], []),
        _rule([""], ["pods", "nodes"], ["list", "watch"], []),
    }


def test_viewers_read_node_states_through_view(objects: list[Manifest]) -> None:
    viewer = find(objects, "ClusterRole", "leeward-viewer")
    assert viewer["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert rules_of(viewer) == {_rule(["leeward.dev"], ["nodestates"], ["get", "list", "watch"], [])}


def test_scheduler_adds_its_own_lease_to_the_built_in_roles(objects: list[Manifest]) -> None:
    assert rules_of(find(objects, "Role", "leeward-scheduler-lease")) == {
        _rule(["coordination.k8s.io"], ["leases"], ["create"], []),
        _rule(["coordination.k8s.io"], ["leases"], ["get", "update"], ["leeward-scheduler"]),
    }


def test_no_role_says_everything(objects: list[Manifest]) -> None:
    roles = [manifest for manifest in objects if manifest["kind"] in {"Role", "ClusterRole"}]
    assert len(roles) == 4
    for role in roles:
        for groups, resources, verbs, _ in rules_of(role):
            assert "*" not in groups | resources | verbs


def test_bindings_bind_the_account_of_their_own_component(objects: list[Manifest]) -> None:
    built_in = {"system:kube-scheduler", "system:volume-scheduler", "extension-apiserver-authentication-reader"}
    roles = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in objects}
    bindings = [manifest for manifest in objects if manifest["kind"] in {"RoleBinding", "ClusterRoleBinding"}]
    assert len(bindings) == 6
    for binding in bindings:
        reference = binding["roleRef"]
        assert (reference["kind"], reference["name"]) in roles or reference["name"] in built_in
        (subject,) = binding["subjects"]
        assert subject["kind"] == "ServiceAccount"
        assert subject["name"] == binding["metadata"]["labels"]["app.kubernetes.io/name"]
        assert find(objects, "ServiceAccount", subject["name"])["metadata"]["namespace"] == subject["namespace"]


def test_only_the_scheduler_gets_built_in_roles(objects: list[Manifest]) -> None:
    for binding in (manifest for manifest in objects if manifest["kind"] == "ClusterRoleBinding"):
        if binding["roleRef"]["name"].startswith("system:"):
            assert binding["subjects"][0]["name"] == "leeward-scheduler"


def test_policy_binds_an_agents_token_to_its_node(objects: list[Manifest]) -> None:
    spec = find(objects, "ValidatingAdmissionPolicy", "leeward-agent-own-node")["spec"]
    account = find(objects, "ServiceAccount", "leeward-agent")["metadata"]
    (condition,) = spec["matchConditions"]
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    assert condition["expression"] == f"request.userInfo.username == '{user}'"
    variables = {variable["name"]: variable["expression"] for variable in spec["variables"]}
    assert "request.userInfo.?extra['authentication.kubernetes.io/node-name']" in variables["agentNode"]
    assert variables["objectNode"].endswith(".metadata.name")
    expressions = [validation["expression"] for validation in spec["validations"]]
    assert "variables.agentNode != ''" in expressions
    assert any("variables.agentNode == variables.objectNode" in expression for expression in expressions)


def test_policy_covers_all_that_the_role_allows(objects: list[Manifest]) -> None:
    spec = find(objects, "ValidatingAdmissionPolicy", "leeward-agent-own-node")["spec"]
    (rule,) = spec["matchConstraints"]["resourceRules"]
    role = rules_of(find(objects, "ClusterRole", "leeward-agent"))
    assert set(rule["resources"]) == {resource for _, resources, _, _ in role for resource in resources}
    assert {"CREATE", "UPDATE"} <= set(rule["operations"])
    assert spec["failurePolicy"] == "Fail"


def test_policy_is_bound_and_denies(objects: list[Manifest]) -> None:
    binding = find(objects, "ValidatingAdmissionPolicyBinding", "leeward-agent-own-node")["spec"]
    assert binding == {"policyName": "leeward-agent-own-node", "validationActions": ["Deny"]}


def test_nothing_but_what_is_allowed_passes(objects: list[Manifest]) -> None:
    deny = find(objects, "NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def ways(objects: list[Manifest], direction: str, peers: str) -> set[tuple[str, str, int]]:
    """Whose pods may connect which way: component, peer, TCP port; port 0 is any."""
    found: set[tuple[str, str, int]] = set()
    for policy in (manifest for manifest in objects if manifest["kind"] == "NetworkPolicy"):
        own = _named(policy["spec"]["podSelector"])
        for rule in policy["spec"].get(direction, []):
            assert set(rule) <= {peers, "ports"}
            ports = [port["port"] for port in rule.get("ports", []) if port["protocol"] == "TCP"] or [0]
            sides = [_peer(peer) for peer in rule.get(peers, [{}])]
            found |= {(own, side, port) for side in sides for port in ports}
    return found


def _peer(peer: Manifest) -> str:
    if peer == {}:
        return "anywhere"
    if peer == {"namespaceSelector": {}}:
        return "any pod"
    if "namespaceSelector" in peer:
        (namespace,) = peer["namespaceSelector"]["matchLabels"].items()
        assert namespace == ("kubernetes.io/metadata.name", "monitoring")
    assert set(peer) <= {"namespaceSelector", "podSelector"}
    return _named(peer["podSelector"])


def _named(selector: Manifest) -> str:
    if selector == {}:
        return "all"
    assert set(selector["matchLabels"]) == {"app.kubernetes.io/name"}
    name: str = selector["matchLabels"]["app.kubernetes.io/name"]
    return name.removeprefix("leeward-")


def test_these_ways_in_are_open_and_no_others(objects: list[Manifest]) -> None:
    assert ways(objects, "ingress", "from") == {
        ("agent", "any pod", 9464),
        ("extender", "anywhere", 8888),
        ("ingest", "agent", 8080),
        ("ingest", "extender", 8080),
        ("ingest", "prometheus", 8080),
        ("mlflow", "extender", 0),
        ("mlflow", "models", 0),
        ("models", "agent", 8080),
    }


def test_these_ways_out_are_open_and_no_others(objects: list[Manifest]) -> None:
    api_server = {(name, "anywhere", port) for name in ("agent", "extender", "scheduler") for port in (443, 6443)}
    registry = {(name, "mlflow", 0) for name in ("extender", "models")}
    assert ways(objects, "egress", "to") - {("all", "anywhere", 53)} == api_server | registry | {
        ("agent", "ingest", 8080),
        ("agent", "models", 8080),
        ("extender", "ingest", 8080),
        ("scheduler", "extender", 8888),
    }


def test_the_way_to_the_registry_is_open_at_both_ends(objects: list[Manifest]) -> None:
    out = {(own, peer) for own, peer, _ in ways(objects, "egress", "to") if peer == "mlflow"}
    into = {(peer, own) for own, peer, _ in ways(objects, "ingress", "from") if own == "mlflow"}
    assert out == into == {("extender", "mlflow"), ("models", "mlflow")}
