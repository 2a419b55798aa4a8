#include "server/api/releases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "server/api/fleet.hpp"
#include "server/api/history.hpp"
#include "server/api/rollout_api.hpp"
#include "server/events/process.hpp"
#include "server/files/library.hpp"
#include "server/loop/lanes.hpp"
#include "server/text/json.hpp"
#include "server/text/release_json.hpp"
#include "server/text/time.hpp"
#include "storage/lookup/current.hpp"
#include "storage/releases/promote.hpp"
#include "storage/releases/retire.hpp"

namespace server {
namespace {

using http::Reply;
using http::Role;

// How many devices read an image of each folder whole.
std::map<std::string, std::size_t> holders_in(const std::filesystem::path& file) {
  std::map<std::string, std::set<std::string>> devices;
  for (const auto& held : open_history(file).holdings({.limit = most_holdings_read}))
    devices[folder_of(held.file)].insert(held.client);
  std::map<std::string, std::size_t> holders;
  for (const auto& [folder, all] : devices) holders[folder] = all.size();
  return holders;
}

// Of what was imported, the files that have another size by now, or that nobody imported.
std::string differing_in(const storage::Release& release) {
  std::vector<std::string> names;
  if (release.imported_at)
    for (const auto& image : release.images)
      if (!image.sha256) names.push_back(image.name);
  return json_texts(names);
}

Outcome not_here(const std::string& path) {
  return refused(404, "not found", fmt::format("{} is not a release here", path),
                 "GET /api/v1/releases lists them");
}

// The release of that very path.
std::optional<storage::Path> release_at(Library& library, const std::string& path) {
  const auto catalogue = library.catalogue.now();
  if (!catalogue) return {};
  for (const auto* shelf : storage::all_releases(*catalogue))
    if (shelf->path.text() == path) return shelf->path;
  return {};
}

}  // namespace

void ReleasesApi::offer(http::Router& router) {
  const http::Doors doors{http::Door::control, http::Door::page};
  router.add({"GET", "/api/v1/releases", Role::viewer, false, doors,
              [this](const http::Request& request, const std::string&, http::Respond respond) {
                list(request, std::move(respond));
              }});
  const auto act = [&](const char* what, auto handler) {
    router.add(
        {"POST", fmt::format("/api/v1/releases/{{path...}}/{}", what), Role::admin, true, doors,
         [this, handler](const http::Request& request, const std::string& path, http::Respond respond) {
           (this->*handler)(request, path, std::move(respond));
         }});
  };
  act("promote", &ReleasesApi::promote);
  act("retire", &ReleasesApi::retire);
  act("verify", &ReleasesApi::verify);
}

void ReleasesApi::list(const http::Request& request, http::Respond respond) {
  desk_.answer(asker_of(request), std::move(respond),
               [&library = sources_.library, looked = looked_, now = looked_at_now()] {
                 const auto holders = holders_in(library.depot.history());
                 std::string items;
                 for (const auto& release : releases_of(library)) {
                   const auto path = release.path.text();
                   auto object = json_object_of(release);
                   const auto count = holders.find(escaped_path(path));
                   object.add("holders", count == holders.end() ? 0 : count->second);
                   object.add_raw("differing", differing_in(release));
                   const auto found = looked->find(path);
                   if (found == looked->end()) {
                     object.add_raw("verification", "null");
                   } else {
                     const bool runs = now.contains(path);
                     JsonObject verification;
                     verification.add_safe("at", found->second.at);
                     verification.add("running", runs);
                     verification.add_raw("found",
                                          found->second.found ? json_of(*found->second.found) : "null");
                     verification.add("failure", runs ? std::string() : found->second.failure, most_of_ours);
                     object.add_raw("verification", verification.text());
                   }
                   items.append(items.empty() ? "" : ",\n").append(object.text());
                 }
                 return Reply{.body = fmt::format("{{\"items\":[{}],\"next\":null}}\n", items)};
               });
}

void ReleasesApi::promote(const http::Request& request, const std::string& path, http::Respond respond) {
  desk_.act(asker_of(request), std::move(respond), {who_asks(request), "promote", path, {}},
            [&library = sources_.library, path] {
              const auto release = release_at(library, path);
              if (!release) return not_here(path);
              try {
                storage::promote(library.depot, *release);
              } catch (const storage::NotPromoted& e) {
                return refused(409, "not promoted", e.what());
              }
              JsonObject object;
              object.add("path", storage::current_of(*release).text(), whole);
              object.add("release", path, whole);
              return Outcome{{.body = object.text() + "\n"}};
            });
}

void ReleasesApi::retire(const http::Request& request, const std::string& path, http::Respond respond) {
  desk_.act(asker_of(request), std::move(respond), {who_asks(request), "retire", path, {}},
            [&library = sources_.library, path] {
              const auto release = release_at(library, path);
              if (!release) return not_here(path);
              try {
                const auto retired = storage::retire(library.depot, *release, storage::Current::kept);
                JsonObject object;
                object.add("path", retired.path, whole);
                object.add("moved_to", retired.moved_to, whole);
                return Outcome{{.body = object.text() + "\n"}};
              } catch (const storage::NotRetired& e) {
                return refused(409, "not retired", e.what(), "promote another release first");
              }
            });
}

std::set<std::string> ReleasesApi::looked_at_now() const {
  std::set<std::string> paths;
  for (const auto& each : looking_)
    if (const auto path = each.lock()) paths.insert(*path);
  return paths;
}

// Answered at once; what it found stands in the list of releases.
void ReleasesApi::verify(const http::Request& request, const std::string& path, http::Respond respond) {
  struct Found {
    std::optional<storage::Verification> found;
    std::string failure;
  };
  const auto note = [this, path](std::optional<storage::Verification> found, std::string failure) {
    auto all = *looked_;
    if (all.size() >= most_looked && !all.contains(path)) all.erase(all.begin());
    all[path] = {utc_of(milliseconds_now()), std::move(found), std::move(failure)};
    looked_ = std::make_shared<const AllLooked>(std::move(all));
  };
  desk_.ask(
      asker_of(request), std::move(respond),
      [&library = sources_.library, path] { return release_at(library, path).has_value(); },
      [this, note, path, act = event::Acted{who_asks(request), "verify", path, {}}](
          std::optional<bool> there, http::Respond to) mutable {
        if (!there || !*there) return desk_.tell(std::move(act), not_here(path), std::move(to));
        // Asked after the worker's answer: two requests that come at once both wait for one.
        if (looked_at_now().contains(path))
          return to(http::problem(409, "already running", fmt::format("{} is being looked at", path),
                                  "GET /api/v1/releases shows what it finds"));
        const auto looking = std::make_shared<const std::string>(path);
        std::erase_if(looking_, [](const auto& each) { return each.expired(); });
        looking_.push_back(looking);
        note({}, out_of_memory);  // the list shows it if the look breaks off
        sources_.lanes.importing.run(
            [&library = sources_.library, path]() -> Found {
              try {
                return {storage::verify_release(library.depot, *storage::Path::parse(path)), {}};
              } catch (const std::exception& e) {
                return {{}, e.what()};
              }
            },
            [this, note, act, looking](std::optional<Found> result) mutable {
              if (!result) result = Found{{}, out_of_memory};
              act.outcome = !result->failure.empty()             ? result->failure
                            : result->found->differences.empty() ? "done"
                                                                 : result->found->differences.front();
              note(std::move(result->found), std::move(result->failure));
              desk_.tell(act);
            });
        to({202, "application/json", "{\"running\":true}\n", {}});
      });
}

}  // namespace server
