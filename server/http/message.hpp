#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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
  std::string query{};   // what stands behind the path's "?", as it came
  std::string accept{};  // the header of that name
  Role role = Role::none;
  std::string content_type{};  // "application/json", without parameters, in lower case
  std::string body{};          // at most `most_body`
  std::string name{};          // of the user or token that is logged in; empty at the socket
  Proof proof = Proof::needless;
};

// What is answered.
struct Reply {
  unsigned status = 200;
  std::string type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};  // further ones: "Location", "Retry-After"
};

// An error as RFC 9457 has it: what failed, why, and what to do next.
Reply problem(unsigned status, const std::string& title, const std::string& detail,
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
