#pragma once
#include <vector>

#include "conf/endpoint.hpp"

namespace conf {

// The key `http`.
struct Http {
  std::vector<HttpEndpoint> listen;
  bool index = true;                                // whether a folder's names are told
  std::vector<Endpoint> endpoints() const;          // all of `listen`
  std::vector<Endpoint> endpoints(bool tls) const;  // those with TLS, or without
};

}  // namespace conf
