#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"
#include "storage/import/drop_uploads.hpp"

namespace server {

// POST /uploads, and GET, PATCH and DELETE of one: files for drop/ that come in pieces. Workers write them,
// each piece before the next is read. Lives on the loop.
class UploadsApi {
 public:
  UploadsApi(const ApiSources& sources, Desk& desk);
  void offer(http::Router& router);
  // Sweeps what was left, now and from time to time, until it is stopped.
  void begin();
  void stop() { sweeping_.cancel(); }

 private:
  class Arrival;
  void announce(const http::Request& request, http::Respond respond);
  void tell(const http::Request& request, const std::string& id, http::Respond respond);
  void remove(const http::Request& request, const std::string& id, http::Respond respond);
  std::unique_ptr<http::Receiver> receive(const http::Request& request, const std::string& id);

  const ApiSources& sources_;
  Desk& desk_;
  storage::DropUploads uploads_;  // also the workers'
  net::steady_timer sweeping_;
};

// What a body of POST /uploads says, of that owner; or why it is refused. For a worker, for 64 KiB of JSON
// take 60 ms. Pure.
std::expected<storage::AnnouncedFile, Outcome> read_announcement(const std::string& body,
                                                                 const std::string& owner);

}  // namespace server
