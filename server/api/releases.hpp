#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"
#include "storage/releases/verify.hpp"

namespace server {

// GET /releases, and POST /releases/{path}/promote, retire and verify. Workers do all of it: to look at a
// release again takes as long as to read it, and is done by the worker that imports. Lives on the loop.
class ReleasesApi {
 public:
  ReleasesApi(const ApiSources& sources, Desk& desk) : sources_(sources), desk_(desk) {}
  void offer(http::Router& router);

 private:
  // The result of a verification, and its time.
  struct Looked {
    std::string at;
    std::optional<storage::Verification> found;
    std::string failure;
  };
  using AllLooked = std::map<std::string, Looked>;
  static constexpr std::size_t most_looked = 1000;

  std::set<std::string> looked_at_now() const;
  void list(const http::Request& request, http::Respond respond);
  void promote(const http::Request& request, const std::string& path, http::Respond respond);
  void retire(const http::Request& request, const std::string& path, http::Respond respond);
  void verify(const http::Request& request, const std::string& path, http::Respond respond);

  const ApiSources& sources_;
  Desk& desk_;
  std::shared_ptr<const AllLooked> looked_ = std::make_shared<const AllLooked>();
  // The paths of those that are looked at now: each expires when that ends, or breaks off because memory is
  // short.
  std::vector<std::weak_ptr<const std::string>> looking_;
};

}  // namespace server
