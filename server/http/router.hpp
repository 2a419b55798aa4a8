#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/http/message.hpp"
#include "server/http/receiver.hpp"

namespace server::http {

// Where requests come in.
enum class Door { control, page, metrics };
using Doors = std::set<Door>;
std::string_view word(Door door);  // "control"

// One endpoint, with who may use it as columns. A pattern may have one "{}", which is any one part of a path,
// or one "{path...}", which is the rest of a path or what stands before the pattern's end. The handler gets
// it as `part`, with each %XX replaced; that of "{path...}" begins with one slash: "/EWC/17_9_4a", whether
// the client wrote "EWC/17_9_4a", "/EWC/17_9_4a" or "EWC%2F17_9_4a".
struct Route {
  std::string method, pattern;  // GET is HEAD too
  Role needs;
  bool writes;  // something is changed: a session's request needs a proof that it is the page's own
  Doors doors;  // where it is offered
  // On the loop, which it must not block; `request` and `part` live as long as the call.
  std::function<void(const Request& request, const std::string& part, Respond respond)> answer;
  // In place of `answer`: who takes the body, piece by piece. `request` has none.
  std::function<std::unique_ptr<Receiver>(const Request& request, const std::string& part)> receive{};
};

// A handler that answers at once.
template <class Answer>
auto at_once(Answer answer) {
  return [answer = std::move(answer)](const Request& request, const std::string& part, Respond respond) {
    respond(answer(request, part));
  };
}

// The endpoints, as a table. Lives on the loop.
class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& routes() const { return routes_; }
  // By the first row that fits, at once or later.
  void answer(const Request& request, Door door, Respond respond) const;
  // Whether that row takes the body in pieces; before anybody asked who the client is.
  bool takes_pieces(const Request& request, Door door) const;
  // Who does; or why the client may not.
  std::variant<Reply, std::unique_ptr<Receiver>> receive(const Request& request, Door door) const;

 private:
  struct Found {
    const Route* route = nullptr;
    std::string part;
    std::set<std::string> methods;  // that the path takes, where no row fits
  };
  Found find(const Request& request, Door door) const;

  std::vector<Route> routes_;
};

}  // namespace server::http
