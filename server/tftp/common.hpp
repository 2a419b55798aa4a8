#pragma once
#include "server/files/finder.hpp"
#include "server/tftp/noisy_clients.hpp"
#include "server/tftp/shared_image.hpp"

namespace server {

class Events;
class LiveSettings;
class Running;
struct Lanes;
struct Library;

// What all TFTP transfers have in common. The service's; on the loop, but the library is for workers too.
struct TftpCommon {
  net::io_context& loop;
  Lanes& lanes;
  Events& events;
  const LiveSettings& settings;
  Library& library;
  Running& running;
  NoisyClients noisy{loop, events};
  SharedImages images = {};
  Finder finder{lanes, library};
};

}  // namespace server
