#pragma once
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/load.hpp"
#include "server/api/api.hpp"
#include "server/api/recent.hpp"
#include "server/events/event.hpp"
#include "server/events/events.hpp"
#include "server/events/process.hpp"
#include "server/files/library.hpp"
#include "server/files/running.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/text/json_reader.hpp"
#include "storage/files/digest.hpp"
#include "storage/history/record_book.hpp"
#include "storage/releases/manifest.hpp"
#include "storage/releases/published.hpp"
#include "tests/support/temp_dir.hpp"

namespace test {

// A transfer that goes on as the test says.
struct Moves final : server::Moving {
  server::Moved now{0, 0, server::Running::Clock::now() + std::chrono::hours(1)};
  int stops = 0;
  server::Moved moved() const override { return now; }
  void stop_by_administrator() override { ++stops; }
};

// All endpoints of the API, on a depot of the test's own. The loop runs only while a test waits for an
// answer.
struct ApiSite {
  using Reply = server::http::Reply;
  using Request = server::http::Request;
  using Answer = std::shared_ptr<std::optional<Reply>>;
  static constexpr std::chrono::seconds patience{120};

  TempDir dir;
  server::net::io_context loop;
  std::shared_ptr<conf::Settings> configured = settings_for(dir.path());
  server::Library library{configured->depot, configured->uploads};
  server::Lanes lanes{loop};
  server::Events events;
  server::Running running{events};
  server::LiveSettings settings{configured};
  server::Tally tally;
  server::Recent recent;
  server::ApiSources::Now process;
  bool keeps = true;                  // whether there is a history that keeps what is said of devices
  std::vector<storage::Record> kept;  // what it was given
  std::vector<server::event::Acted> acts;
  std::vector<std::string> looked;  // what the doctor counted
  std::string config_file;
  server::http::Router router;
  std::unique_ptr<server::Api> api;

  ApiSite() {
    begin_again();
    events.listen([this](const server::Event& event) {
      if (const auto* act = event.get_if<server::event::Acted>()) acts.push_back(*act);
    });
  }

  // As after a restart of the server, with what the test has changed.
  void begin_again() {
    router = {};
    api = std::make_unique<server::Api>(server::ApiSources{
        loop, lanes, events, running, tally, recent, library, settings, [this] { return process; },
        [this](storage::Record record) {
          if (keeps) kept.push_back(std::move(record));
          return keeps;
        },
        [this](const std::string& counts) { looked.push_back(counts); }, config_file});
    api->offer(router);
  }

  static std::shared_ptr<conf::Settings> settings_for(const std::filesystem::path& depot) {
    auto settings = conf::load_defaults().settings;
    settings.depot = depot;
    settings.uploads.reserve = 0;
    return std::make_shared<conf::Settings>(std::move(settings));
  }

  template <class Until>
  void run_until(Until until) {
    const auto guard = server::net::make_work_guard(loop);
    loop.restart();
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!until()) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      loop.run_one_for(std::chrono::seconds(1));
    }
  }

  // Asks as an administrator, and lets nothing run.
  Answer begin(Request request) {
    auto answer = std::make_shared<std::optional<Reply>>();
    request.role = server::http::Role::admin;
    router.answer(request, server::http::Door::control,
                  server::http::Respond([answer](Reply reply) { *answer = std::move(reply); }));
    return answer;
  }
  Reply wait_for(const Answer& answer) {
    run_until([&] { return answer->has_value(); });
    return **answer;
  }
  Reply ask(Request request) { return wait_for(begin(std::move(request))); }
  Reply get(const std::string& path, const std::string& query = "") {
    return ask({.method = "GET", .path = "/api/v1/" + path, .query = query});
  }
  Reply send(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& type = "application/json") {
    return ask({.method = method,
                .path = "/api/v1/" + path,
                .content_type = type,
                .body = body,
                .name = "maria",
                .login = "session"});
  }

  void write_image(const std::string& release, const std::string& name, std::string_view content) const {
    dir.write("images" + release + "/" + name, content);
  }
  // A release as import leaves it.
  void import_release(const std::string& release,
                      const std::vector<std::pair<std::string, std::string>>& files,
                      const std::string& at = "2026-11-20T11:10:23Z", bool verified = true) const {
    storage::Manifest manifest;
    manifest.path = release;
    manifest.imported_at = at;
    manifest.verified = verified;
    for (const auto& [name, content] : files) {
      write_image(release, name, content);
      storage::Digest digest(storage::DigestKind::sha256);
      digest.update(std::as_bytes(std::span(content)));
      manifest.members.push_back({name, content.size(), digest.hex()});
    }
    const auto file = storage::manifest_of(library.depot, release);
    std::filesystem::create_directories(file.parent_path());
    storage::save(manifest, file);
  }
  void write_history(const std::vector<storage::Record>& records) const {
    storage::RecordBook(library.depot.history()).write(records);
  }
};

inline bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

inline YAML::Node json(const server::http::Reply& reply) {
  return server::read_object(reply.body, "the answer");
}

// That member of each row.
inline std::vector<std::string> column(const server::http::Reply& reply, const char* member,
                                       const char* list = "items") {
  std::vector<std::string> values;
  for (const auto& item : json(reply)[list]) {
    const auto value = item[member];
    values.push_back(!value ? "?" : value.IsNull() ? "null" : value.as<std::string>("?"));
  }
  return values;
}

// A header of the answer; empty where it is not there.
inline std::string header(const server::http::Reply& reply, std::string_view name) {
  for (const auto& [each, value] : reply.headers)
    if (each == name) return value;
  return "";
}

}  // namespace test
