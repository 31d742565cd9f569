package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	authv1 "auth.test/clients/gen/auth/v1"
)

const password = "correct horse battery staple"

// failure is a failed call as a caller reads it.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
	// Fields are those that a BadRequest names, at most two.
	Fields []string `json:"fields,omitempty"`
}

func failureOf(err error) failure {
	// Unlike FromError, Convert never fails: an error of another kind is UNKNOWN.
	converted := status.Convert(err)
	seen := failure{Code: codeOf(err), Message: converted.Message()}
	for _, detail := range converted.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			seen.Reason = detail.Reason
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations[:min(2, len(detail.FieldViolations))] {
				seen.Fields = append(seen.Fields, violation.Field)
			}
		}
	}
	return seen
}

// codeOf names a code as the specification does: grpc-go's own names differ.
func codeOf(err error) string {
	return code.Code(status.Code(err)).String()
}

func answers(ctx context.Context, address string) (any, error) {
	channel, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer channel.Close()
	users := authv1.NewUserServiceClient(channel)
	authentication := authv1.NewAuthenticationServiceClient(channel)

	created, err := users.CreateUser(ctx, &authv1.CreateUserRequest{
		User:     &authv1.User{Username: "go"},
		Password: password,
	})
	if err != nil {
		return nil, fmt.Errorf("CreateUser: %w", err)
	}
	verified, err := authentication.VerifyPassword(ctx, &authv1.VerifyPasswordRequest{
		Identifier: "GO",
		Password:   password,
	})
	if err != nil {
		return nil, fmt.Errorf("VerifyPassword: %w", err)
	}
	_, wrong := authentication.VerifyPassword(ctx, &authv1.VerifyPasswordRequest{
		Identifier: "go",
		Password:   "wrong",
	})
	_, invalid := users.BatchGetUsers(ctx, &authv1.BatchGetUsersRequest{Keys: invalidKeys(500)})

	oneMillisecond, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	_, late := authentication.VerifyPassword(oneMillisecond, &authv1.VerifyPasswordRequest{
		Identifier: "go",
		Password:   password,
	})
	// The longest deadline in 32 bits of milliseconds, which some clients send for "no limit".
	sevenWeeks, cancel := context.WithTimeout(ctx, math.MaxUint32*time.Millisecond)
	defer cancel()
	_, patient := users.GetUser(sevenWeeks, &authv1.GetUserRequest{Id: created.User.Id})

	health, err := healthpb.NewHealthClient(channel).Check(ctx, &healthpb.HealthCheckRequest{Service: "readiness"})
	if err != nil {
		return nil, fmt.Errorf("Check: %w", err)
	}
	return map[string]any{
		"created":  created.User.Username,
		"verified": verified.User.Username,
		"wrong":    failureOf(wrong),
		"invalid":  failureOf(invalid),
		"late":     codeOf(late),
		"patient":  codeOf(patient),
		"health":   health.Status.String(),
	}, nil
}

func invalidKeys(n int) []*authv1.BatchGetUsersRequest_Key {
	keys := make([]*authv1.BatchGetUsersRequest_Key, n)
	for i := range keys {
		keys[i] = &authv1.BatchGetUsersRequest_Key{
			Key: &authv1.BatchGetUsersRequest_Key_Id{Id: fmt.Sprintf("not-a-uuid-%d", i)},
		}
	}
	return keys
}
