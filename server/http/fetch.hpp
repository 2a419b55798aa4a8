#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "server/loop/net.hpp"

namespace server::http {

// What a device asks a server for.
struct FetchQuestion {
  std::string host;    // as in the URL, for the Host header and the certificate
  std::string port;    // after the host, ":8080"; empty for the usual one
  std::string target;  // the path, as it goes to the server
  bool tls = false;
};

// What came of it. Texts are raw.
struct FetchAnswer {
  std::string handshake;       // why TLS could not begin; empty where it did
  std::string distrust;        // why the certificate proves nothing; empty where it does, or without TLS
  std::string certificate;     // whose it is, and until when
  unsigned status = 0;         // 0: no answer came
  std::string location, type;  // headers of these names
  std::optional<std::uint64_t> size;  // as the answer announced it
  std::string text;                   // how an answer that is no file begins
  std::string broke_off;              // why the body did not come to its end; empty where it did
};

// Hears of each step: `head` once, before the body; false: the body is not wanted. `bytes` of a body with
// status 200. What comes in any case feeds `alive`.
struct FetchListener {
  std::function<bool(const FetchAnswer& answer)> head;
  std::function<void(std::span<const std::byte>)> bytes;
  std::function<void()> alive;
};

// One GET over a connection, as a device sends it, without going on to where a redirection leads. Blocks,
// also for ever: who calls it shuts the socket down.
FetchAnswer fetch(tcp::socket& socket, const FetchQuestion& question, const FetchListener& listener);

}  // namespace server::http
