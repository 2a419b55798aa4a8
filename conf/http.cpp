#include "conf/http.hpp"

namespace conf {

std::vector<Endpoint> Http::endpoints() const {
  std::vector<Endpoint> all;
  for (const auto& each : listen) all.push_back(each.at);
  return all;
}

std::vector<Endpoint> Http::endpoints(bool tls) const {
  std::vector<Endpoint> found;
  for (const auto& each : listen)
    if (each.tls == tls) found.push_back(each.at);
  return found;
}

}  // namespace conf
