// Command leeward-controlplane is a Kubernetes control plane for tests on one machine: each of its parts is a
// subcommand, so that every part is a process of its own, to be stopped and started by itself.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const usage = `usage: leeward-controlplane PART ...

  etcd DIRECTORY URL       keep what the API server writes; says "ready" on standard output
  kube-apiserver FLAGS     as Kubernetes releases it
  kube-scheduler FLAGS     as Kubernetes releases it
  kwok FLAGS               let nodes and pods come alive; --config names the stages
  stages                   print the stages that KWOK ships: nodes get ready and stay so, pods run, complete and go
  kubectl ARGUMENTS        as Kubernetes releases it
  passing-extender ADDRESS answer the scheduler that all nodes pass and are alike; says "ready" on standard output
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	part, arguments := os.Args[1], os.Args[2:]
	// Kubernetes' commands read the process's own arguments, and call themselves by the first.
	os.Args = os.Args[1:]
	switch part {
	case "etcd":
		exitWith(runEtcd(arguments))
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		exitWith(runKwok())
	case "stages":
		fmt.Print(stages())
	case "kubectl":
		os.Exit(runKubectl(kubectl.NewDefaultKubectlCommand()))
	case "passing-extender":
		exitWith(runPassingExtender(arguments))
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
}

func runKubectl(command *cobra.Command) int {
	if err := cli.RunNoErrOutput(command); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
