#pragma once
#include <functional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"

namespace server {

// Notices that an interface on whose link-local address the server listens was removed or made again: the
// socket belongs to the old one and hears nothing any more. Bookkeeping only; lives on the loop.
class InterfaceWatch {
 public:
  using IndexOf = std::function<unsigned(const std::string& interface)>;  // 0: there is none

  InterfaceWatch(const std::vector<conf::Endpoint>& endpoints, const IndexOf& index_of);
  bool empty() const { return watched_.empty(); }
  struct Change {
    conf::Endpoint endpoint;
    std::string interface;
    bool there;  // another one of that name; else it was removed
  };
  // What has happened since the last time; each change is told once.
  std::vector<Change> look(const IndexOf& index_of);

 private:
  struct Watched {
    conf::Endpoint endpoint;
    std::string interface;
    unsigned index;  // the one that the socket belongs to
    unsigned told;   // the one that was there when it was told last
  };
  std::vector<Watched> watched_;
};

}  // namespace server
