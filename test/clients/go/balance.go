package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	// Enables healthCheckConfig.
	_ "google.golang.org/grpc/health"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/google/uuid"

	authv1 "auth.test/clients/gen/auth/v1"
)

const (
	// Fifty calls a second.
	pause    = 20 * time.Millisecond
	deadline = 14 * time.Second
	// grpc-go sends a ping after ten seconds at the least.
	keepaliveTime = 10 * time.Second
	idleTime      = 12 * time.Second
)

const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": "readiness"},
	"methodConfig": [{
		"name": [{}],
		"retryPolicy": {
			"maxAttempts": 4,
			"initialBackoff": "0.05s",
			"maxBackoff": "1s",
			"backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}]
}`

// connect opens a channel that balances over some addresses, as a client in production would.
func connect(addresses ...string) (*grpc.ClientConn, error) {
	var state resolver.State
	for _, address := range addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	replicas := manual.NewBuilderWithScheme("replicas")
	replicas.InitialState(state)
	return grpc.NewClient("replicas:///auth",
		grpc.WithResolvers(replicas),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                keepaliveTime,
			Timeout:             5 * time.Second,
			PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: 20 * time.Second,
		}),
	)
}

// load is a steady load of reads and writes.
type load struct {
	users  authv1.UserServiceClient
	userID string

	open sync.WaitGroup

	mu       sync.Mutex
	begun    int
	failures []string
	// answered counts the calls that each replica has answered since it was last asked.
	answered map[string]int
}

// balance calls both replicas steadily until standard input ends. For each line of input it waits until each replica has
// answered a call since, and prints "balanced". Meanwhile another channel idles.
func balance(ctx context.Context, addresses []string) (any, error) {
	channel, err := connect(addresses...)
	if err != nil {
		return nil, err
	}
	defer channel.Close()
	l := &load{users: authv1.NewUserServiceClient(channel), answered: map[string]int{}}
	created, err := l.users.CreateUser(ctx, &authv1.CreateUserRequest{User: &authv1.User{Username: "go-balance"}})
	if err != nil {
		return nil, fmt.Errorf("CreateUser: %w", err)
	}
	l.userID = created.User.Id

	idled := make(chan idleOutcome, 1)
	go func() { idled <- idle(ctx, addresses[len(addresses)-1], l.userID) }()

	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		l.run(ctx)
	}()
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		l.untilAnsweredBy(len(addresses))
		fmt.Println("balanced")
	}
	idleOutcome := <-idled
	stop()
	<-stopped
	l.open.Wait()
	return map[string]any{"calls": l.begun, "failures": append([]string{}, l.failures...), "idle": idleOutcome}, nil
}

func (l *load) run(ctx context.Context) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n := l.begun
			l.begun++
			l.open.Go(func() { l.call(n) })
		}
	}
}

// call makes a write to every four reads.
func (l *load) call(n int) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	var replica peer.Peer
	var err error
	if n%5 == 0 {
		_, err = l.users.CreateUser(ctx, &authv1.CreateUserRequest{
			User:      &authv1.User{Username: fmt.Sprintf("go-%d", n)},
			RequestId: uuid.NewString(),
		}, grpc.Peer(&replica))
	} else {
		_, err = l.users.GetUser(ctx, &authv1.GetUserRequest{Id: l.userID}, grpc.Peer(&replica))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failures = append(l.failures, err.Error())
	} else {
		l.answered[replica.Addr.String()]++
	}
}

func (l *load) untilAnsweredBy(replicas int) {
	l.mu.Lock()
	clear(l.answered)
	l.mu.Unlock()
	for {
		time.Sleep(pause)
		l.mu.Lock()
		count := len(l.answered)
		l.mu.Unlock()
		if count == replicas {
			return
		}
	}
}

type idleOutcome struct {
	// States are those that the connection was in after the first call. More than one: the server has closed it.
	States []string `json:"states"`
	Code   string   `json:"code"`
}

// idle lets a connection be idle for longer than its keepalive time, and uses it again.
func idle(ctx context.Context, address, userID string) idleOutcome {
	channel, err := connect(address)
	if err != nil {
		return idleOutcome{Code: err.Error()}
	}
	defer channel.Close()
	getUser := func() string {
		_, err := authv1.NewUserServiceClient(channel).GetUser(ctx, &authv1.GetUserRequest{Id: userID})
		return codeOf(err)
	}
	if code := getUser(); code != "OK" {
		return idleOutcome{Code: code}
	}
	watching, stop := context.WithTimeout(ctx, idleTime)
	defer stop()
	states := []string{}
	for state, changed := connectivity.Ready, true; changed; {
		states = append(states, state.String())
		changed = channel.WaitForStateChange(watching, state)
		state = channel.GetState()
	}
	return idleOutcome{States: states, Code: getUser()}
}
