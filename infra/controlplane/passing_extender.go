package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"syscall"
)

// runPassingExtender has no opinion: all nodes pass, and all score alike. What a scheduler loses to it, it loses to the
// protocol.
func runPassingExtender(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("passing-extender wants the address to listen on")
	}
	listener, err := net.Listen("tcp", arguments[0])
	if err != nil {
		return err
	}
	http.HandleFunc("POST /filter", answering(passAll))
	http.HandleFunc("POST /prioritize", answering(scoreAlike))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { listener.Close() })
	fmt.Println("ready")
	if err := http.Serve(listener, nil); ctx.Err() == nil {
		return err
	}
	return nil
}

// answering reads the whole body, so that the connection is kept.
func answering(answer func(body []byte) ([]byte, error)) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err == nil {
			body, err = answer(body)
		}
		if err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		response.Header().Set("Content-Type", "application/json")
		response.Write(body)
	}
}

// passAll gives an ExtenderFilterResult; the names go back as they came, unread.
func passAll(body []byte) ([]byte, error) {
	var asked struct{ NodeNames json.RawMessage }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	return json.Marshal(asked)
}

// scoreAlike gives a HostPriorityList.
func scoreAlike(body []byte) ([]byte, error) {
	var asked struct{ NodeNames []string }
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	type priority struct {
		Host  string
		Score int
	}
	priorities := make([]priority, len(asked.NodeNames))
	for index, name := range asked.NodeNames {
		priorities[index].Host = name
	}
	return json.Marshal(priorities)
}
