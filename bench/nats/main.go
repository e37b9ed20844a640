// Command nats runs nats-server with its MQTT door open, to be measured
// against:
//
//	nats HOST:PORT DIRECTORY
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

// startTimeout bounds how long the server takes to be ready.
const startTimeout = 30 * time.Second

func serve(addr, dir string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "bench", Host: host, Port: server.RANDOM_PORT, NoSigs: true, MaxConn: 100_000,
		JetStream: true, StoreDir: dir, // which its MQTT door needs
		MQTT: server.MQTTOpts{Host: host, Port: number},
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		return errors.New("is not ready in time")
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	<-end
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}
