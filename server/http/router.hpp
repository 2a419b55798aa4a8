#pragma once
#include <functional>
#include <string>
#include <vector>

#include "server/http/message.hpp"

namespace server::http {

// Where requests come in.
enum class Door { control, metrics };

// One endpoint, with who may use it as columns. A pattern's last part may be "{}": any one part of a path,
// which the handler gets as `part`.
struct Route {
  std::string method, pattern;
  Role needs;
  bool at_metrics;  // at that door too; the control socket has them all
  std::function<Reply(const Request& request, const std::string& part)> answer;
};

// The endpoints, as a table. Lives on the loop; an answer must not block it.
class Router {
 public:
  void add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& routes() const { return routes_; }
  Reply answer(const Request& request, Door door) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace server::http
