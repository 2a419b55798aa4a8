#pragma once
#include <memory>
#include <string>
#include <vector>

#include "server/api/desk.hpp"
#include "server/api/running_reads.hpp"
#include "server/api/said.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"

namespace server {

// GET /devices and /devices/{address}, PATCH of one, and POST /inventory: what is known of the devices, and
// what people say of them. A worker reads and writes the answers. Lives on the loop.
class DevicesApi {
 public:
  DevicesApi(const ApiSources& sources, Desk& desk, Said& said, RunningReads& reads)
      : sources_(sources), desk_(desk), said_(said), reads_(reads) {}
  void offer(http::Router& router);

 private:
  void list(const http::Request& request, http::Respond respond);
  void one(const http::Request& request, const std::string& address, http::Respond respond);
  void change(const http::Request& request, const std::string& address, http::Respond respond);
  void take_inventory(const http::Request& request, http::Respond respond);
  template <class Work>
  void say(const http::Request& request, http::Respond respond, event::Acted act, Work work);

  const ApiSources& sources_;
  Desk& desk_;
  Said& said_;
  RunningReads& reads_;
};

// A row of the list, and whether `wanted` stands in its address, name, model or site. Pure.
std::string device_json(const Device& device, std::size_t running);
bool is_about(const Device& device, const std::string& wanted);
// Who was never seen though expected first, then who was here last. Pure.
void sort_devices(std::vector<Device>& devices);

}  // namespace server
