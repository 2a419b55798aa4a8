#pragma once
#include "server/events/events.hpp"
#include "server/files/finder.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/tftp/noisy_clients.hpp"
#include "server/tftp/shared_image.hpp"

namespace server {

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
