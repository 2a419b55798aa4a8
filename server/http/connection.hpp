#pragma once
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "server/http/gate.hpp"
#include "server/http/patient_stream.hpp"
#include "server/http/router.hpp"
#include "server/loop/shares.hpp"

namespace server::http {

// Hears the status of each answer.
using Answered = std::function<void(Door door, unsigned status)>;

// What a connection needs to know of its door. A gate says who asks; without one it is `role`.
struct Talk {
  const Router& router;
  const Answered& answered;  // outlives the loop's last turn
  Shares& unsent;            // bytes of answers; likewise
  Door door;
  Role role;
  std::chrono::seconds idle;  // how long a client may keep a connection that it has used, and say nothing
  Gate* gate = nullptr;
  net::ip::address peer{};
  std::chrono::seconds trusted{10};  // how long nobody asks the gate again, while one request goes on
};

// Answers what comes on a connection, one request after the other, until it ends. Of a request the header may
// have 8 KiB and take ten seconds, the body 64 KiB and ten more; one that is taken in pieces has no bound
// here, and ten seconds for each read. A client must take an answer in thirty; where too much of others is
// not taken yet it gets a 503. A feed ends also where the gate does not let its client in any more.
net::awaitable<void> talk_to(net::generic::stream_protocol::socket socket, Talk talk);

// The same over TLS; one who speaks HTTP without it is sent to https. `workers` do the handshake, which costs
// a signature: a client that has no share of `handshakes` left is closed.
net::awaitable<void> talk_over_tls(std::shared_ptr<PatientStream> client, Workers& workers,
                                   Shares& handshakes, Talk talk);

}  // namespace server::http
