#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/load.hpp"
#include "server/events/events.hpp"
#include "server/events/http.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/http/image_common.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/http/peer.hpp"

namespace test {

inline std::string request_for(std::string_view target, std::string_view headers = {},
                               std::string_view method = "GET") {
  return fmt::format("{} {} HTTP/1.1\r\nHost: x\r\n{}\r\n", method, target, headers);
}

// What all connections for images share, on a loop that runs where the test lets it run.
struct ImageHouse {
  TempDir directory;
  server::Events events;
  server::Running running{events};
  server::LiveSettings settings;
  server::Library library;
  net::io_context loop;
  server::Lanes lanes{loop};

  std::vector<std::string> told;  // each event, as "NUMBER WHAT"
  std::vector<server::event::TransferEnded> ended;
  std::vector<server::event::HttpLimited> limited;
  std::vector<server::event::HttpAnswered> answered;

  ImageHouse() : settings(settings_with(directory.path())), library(settings->depot, settings->uploads) {
    events.listen([this](const server::Event& event) { note(event); });
  }

  void write(std::string_view name, std::string_view content) const {
    directory.write("images/" + std::string(name), content);
  }
  void change_settings(const std::function<void(conf::Settings&)>& change) {
    auto changed = *settings;
    change(changed);
    settings.replace(std::make_shared<const conf::Settings>(std::move(changed)));
  }
  bool tells_ends(std::size_t count) {
    return runs_until(loop, [&] { return ended.size() >= count; });
  }
  // What happened since this was asked last, in its order.
  std::vector<std::string> news() { return std::exchange(told, {}); }

 private:
  static std::shared_ptr<const conf::Settings> settings_with(const std::filesystem::path& depot) {
    auto settings = conf::load_defaults().settings;
    settings.depot = depot;
    return std::make_shared<const conf::Settings>(std::move(settings));
  }
  void note(const server::Event& event) {
    namespace is = server::event;
    if (const auto* asked = event.get_if<is::HttpRequested>())
      told.push_back(fmt::format("{} {} {}{}", asked->number, asked->method, asked->name,
                                 asked->remapped ? " as " + asked->remapped->to : ""));
    if (const auto* answer = event.get_if<is::HttpAnswered>()) {
      told.push_back(fmt::format("{} answered {}", answer->number, answer->status));
      answered.push_back(*answer);
    }
    if (const auto* limit = event.get_if<is::HttpLimited>()) {
      told.push_back(fmt::format("{} limited {}", limit->number, limit->status));
      limited.push_back(*limit);
    }
    if (const auto* began = event.get_if<is::TransferBegan>())
      told.push_back(fmt::format("{} began {}", began->number, began->name));
    if (const auto* over = event.get_if<is::TransferEnded>()) {
      told.push_back(fmt::format("{} ended {}", over->number, over->name));
      ended.push_back(*over);
    }
    if (const auto* missed = event.get_if<is::Missed>())
      told.push_back(fmt::format("{} missed {}", missed->number, missed->asked));
  }
};

}  // namespace test
