#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/loop/net.hpp"

namespace server::http {

// What a client may do, by how it came in.
enum class Role { none, viewer, admin };

// Whether a request comes from the server's own page. A browser sends the cookie of a session with whatever
// any page asks for, so a change needs the proof; requests over the control socket and those with a token
// come from programs, which nobody misleads so.
enum class Proof { needless, given, no_token, foreign_origin };

constexpr std::size_t most_body = 64 << 10;

// A request, as far as an answer depends on it. All texts but `name` are the client's: hostile.
struct Request {
  std::string method{};  // "GET"
  std::string path{};    // "/api/v1/status"
  std::string query{};   // what follows the path's "?", as it came
  std::string accept{};  // the header of that name
  Role role = Role::none;
  std::string content_type{};  // "application/json", without parameters, in lower case
  std::string body{};          // at most `most_body`; empty where it is taken in pieces
  std::string name{};          // of the user or token that is logged in; empty at the socket
  Proof proof = Proof::needless;
  std::string login{};   // of the session or token, for what is counted by it; empty at the socket
  std::string client{};  // the address that asks; empty at the socket
  bool secure = false;   // over TLS, to the client's knowledge
  std::string accept_encoding{}, if_none_match{};  // headers
  std::optional<std::uint64_t> last_event{};       // Last-Event-ID, where it is a number
  std::optional<std::uint64_t> upload_offset{};    // Upload-Offset, likewise

  net::ip::address address() const;  // of `client`; unspecified at the socket
};

// What goes on and on: server-sent events. Lives as long as its connection, on the loop.
class Feed {
 public:
  virtual ~Feed() = default;
  // What is to be written next, once there is something; nothing: it has ended.
  virtual net::awaitable<std::shared_ptr<const std::string>> next() = 0;
};

// What is answered.
struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};  // further ones: "Location", "Retry-After"
  std::shared_ptr<Feed> feed{};  // follows the header, in place of a body, until it ends
};

// An error as RFC 9457 has it: what failed, why, and what to do next.
Reply problem(unsigned status, const std::string& title, const std::string& detail,
              const std::string& fix = {});
// The same with a detail whose hostile parts are escaped and bounded already.
Reply safe_problem(unsigned status, const std::string& title, const std::string& detail,
                   const std::string& fix = {});

// The way of an answer to its client: called once, on the loop, at once or later. Where it goes away
// uncalled, the client gets a 500.
class Respond {
 public:
  using Tell = std::move_only_function<void(Reply)>;  // must not throw

  explicit Respond(Tell tell) : tell_(std::move(tell)) {}
  Respond(Respond&& other) noexcept : tell_(std::exchange(other.tell_, nullptr)) {}
  Respond& operator=(Respond&&) = delete;
  ~Respond();

  void operator()(Reply reply);

 private:
  Tell tell_;
};

}  // namespace server::http
