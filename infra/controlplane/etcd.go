package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd serves one member until a signal comes. Nothing is flushed to disk: a test's cluster outlives its processes,
// not its machine.
func runEtcd(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("etcd wants a directory and the URL to listen on")
	}
	client, err := url.Parse(arguments[1])
	if err != nil {
		return err
	}
	server, err := embed.StartEtcd(oneMember(arguments[0], *client))
	if err != nil {
		return err
	}
	defer server.Close()
	signalled := make(chan os.Signal, 1)
	signal.Notify(signalled, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-server.Server.ReadyNotify():
		fmt.Println("ready")
	case err := <-server.Err():
		return err
	}
	select {
	case <-signalled:
		return nil
	case err := <-server.Err():
		return err
	}
}

// oneMember takes no port for peers, of which there are none: a socket in the working directory does.
func oneMember(directory string, client url.URL) *embed.Config {
	peer := url.URL{Scheme: "unix", Host: "localhost:0"}
	config := embed.NewConfig()
	config.Dir = directory
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	config.ListenClientUrls = []url.URL{client}
	config.AdvertiseClientUrls = []url.URL{client}
	config.ListenPeerUrls = []url.URL{peer}
	config.AdvertisePeerUrls = []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	return config
}
