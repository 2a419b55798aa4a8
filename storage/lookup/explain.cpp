#include "storage/lookup/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/member_name.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/pointer.hpp"
#include "storage/files/uploads_folder.hpp"
#include "storage/lookup/asked_name.hpp"
#include "storage/lookup/explanation.hpp"
#include "storage/lookup/forgiving.hpp"
#include "storage/lookup/obstacle.hpp"
#include "storage/lookup/unseen.hpp"

namespace storage {
namespace {

const auto not_there = std::make_error_code(std::errc::no_such_file_or_directory);

bool is_file(const Root& root, const Path& path) {
  const auto attributes = root.attributes(path);
  return attributes && attributes->kind == Kind::file;
}

std::string owner_of(const Attributes& attributes) {
  return fmt::format("it belongs to uid {} and has mode {:04o}", attributes.uid, attributes.mode & 07777U);
}

// What a link says is a path of the host, and who owns what is the administrator's business: a client hears
// of neither.
Miss explain(const Obstacle& obstacle, const Path& asked, std::error_code error) {
  const auto at = obstacle.at.text();
  if (obstacle.kind == Obstacle::Kind::closed) {
    const auto* may = obstacle.attributes.kind == Kind::directory ? "entered" : "read";
    return {Cause::unreadable,
            fmt::format("{} may not be {} by the user that apdepot runs as: {}", at, may,
                        owner_of(obstacle.attributes)),
            fmt::format("give that user the right to: chmod a+r{} below images/",
                        obstacle.attributes.kind == Kind::directory ? "x" : ""),
            {},
            std::make_error_code(std::errc::permission_denied),
            asked.text() + " may not be read"};
  }
  const auto for_client = asked.text() + " does not exist";
  if (obstacle.kind == Obstacle::Kind::leads_nowhere)
    return {Cause::not_found,
            fmt::format("{} is a link to {}, which does not exist", at, obstacle.target),
            obstacle.at.name() == pointer_name
                ? "promote a release that is here: apdepot promote RELEASE"
                : "make the link again, or put what it stands for in its place",
            {},
            error,
            for_client};
  return {Cause::leads_out,
          fmt::format("{} is a link to {}, out of the folder that is served", at, obstacle.target),
          "move what it leads to below images/, or mount it there (mount --bind)",
          {},
          error,
          for_client};
}

Miss unreadable(const std::string& name, std::error_code error) {
  const auto what = fmt::format("{} cannot be read: {}", name, error.message());
  if (error != std::errc::permission_denied) return {Cause::not_found, what, "", {}, error};
  return {Cause::unreadable, what, "make it readable for the user that apdepot runs as", {}, error};
}

// What the name stands for where it is spelled in another way, and cannot be reached: no catalogue has it.
std::optional<Obstacle> find_obstacle_meant(const Root& root, const Catalogue& catalogue, const Path& asked) {
  constexpr std::size_t most_directories = 8;
  if (asked.is_root()) return {};
  const auto all = asked.components().first(asked.components().size() - 1);
  std::vector<Spelling> ends;  // of the directories, as an old server's in front may be left out
  for (auto left = all.last(std::min(all.size(), most_directories)); !left.empty(); left = left.subspan(1))
    ends.emplace_back(left);
  const auto spells_one = [&](std::span<const std::string> directories) {
    const Spelling real(directories);
    return std::ranges::any_of(ends, [&](const Spelling& end) { return spells(end, real, {}); });
  };
  for (const auto& closed : catalogue.closed()) {
    const auto parts = closed.components();
    const bool named = folded(closed.name()) == folded(asked.name());
    if (!spells_one(parts) && !(named && spells_one(parts.first(parts.size() - 1)))) continue;
    if (auto obstacle = find_obstacle(root, closed)) return obstacle;
  }
  return {};
}

class Explainer {
 public:
  Explainer(const Root& root, const Catalogue& catalogue, const Depot* depot, bool forgiving)
      : root_(root), catalogue_(catalogue), depot_(depot), forgiving_(forgiving) {}

  Miss explain(const Path& asked, std::error_code error) const {
    const auto name = asked.text();
    if (error == std::errc::is_a_directory)
      return {Cause::is_directory, name + " is a directory", "ask for a file in it", {}, error};
    if (error == std::errc::operation_not_permitted)
      return {Cause::unreadable, name + " is not a regular file", "put a plain file in its place", {}, error};
    if (const auto obstacle = find_obstacle(root_, asked)) return storage::explain(*obstacle, asked, error);
    if (!is_missing(error)) return unreadable(name, error);
    if (const auto unseen = find_unseen(asked)) return explain(*unseen, asked);
    return explain_missing(asked);
  }

 private:
  static bool is_missing(std::error_code error) {
    return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  }

  Miss explain_missing(const Path& asked) const {
    if (const auto obstacle = find_obstacle_meant(root_, catalogue_, asked))
      return storage::explain(*obstacle, asked, not_there);
    return Explanation(root_, catalogue_, depot_, asked, forgiving_).miss();
  }

  // What nobody sees goes first: all else that is said would contradict what the administrator sees.
  Miss explain(const Unseen& unseen, const Path& asked) const {
    if (unseen.path.is_root())
      return {Cause::not_found, unseen.what, "ask for a file's whole path", {}, not_there};
    if (auto file = file_meant(unseen.path)) {
      return {file->name() == asked.name() ? Cause::wrong_directory : Cause::not_found, unseen.what,
              "ask for " + file->text(), file, not_there};
    }
    const auto file = root_.open_file(unseen.path);
    auto miss = explain(unseen.path, file ? not_there : file.error());
    const auto after = ", and without that ";
    miss.what = unseen.what + after + miss.what;
    if (!miss.for_client.empty()) miss.for_client = unseen.what + after + miss.for_client;
    return miss;
  }

  std::optional<Path> file_meant(const Path& path) const {
    if (is_in_uploads(path)) return {};
    if (is_file(root_, path)) return path;
    auto meant = plainly_meant(catalogue_, {path});
    return meant ? std::optional(std::move(meant->path)) : std::nullopt;
  }

  const Root& root_;
  const Catalogue& catalogue_;
  const Depot* depot_;
  const bool forgiving_;
};

// The file is there, but only its exact name is served.
Miss withheld(std::string_view asked, const Path& file, bool forgiving) {
  const auto hint = forgiving ? fmt::format("ask for {}", file.text())
                              : fmt::format("lookup.forgiving would serve {}, but it is off", file.text());
  return {Cause::not_found, fmt::format("{} is no exact name", asked), hint, file, not_there};
}

}  // namespace

Miss explain_miss(std::string_view asked, PathError error) {
  switch (error) {
    case PathError::empty:
      return {Cause::empty_name, "the request names no file", "ask for a file's whole path", {}, not_there};
    case PathError::climbs:
      return {Cause::escapes_root,
              fmt::format("{} leads above /", asked),
              "/ is the folder of the images, and nothing above it is served",
              {},
              std::make_error_code(std::errc::permission_denied)};
    case PathError::too_long:
      return {Cause::not_found,
              "the name is too long",
              "ask for a file's own path",
              {},
              std::make_error_code(std::errc::filename_too_long)};
    case PathError::invalid:
      break;
  }
  return {Cause::not_found,
          fmt::format("{} holds a colon or a NUL", asked),
          "ask for the path alone, without a server's name",
          {},
          not_there};
}

Miss explain_miss(const Root& root, const Catalogue& catalogue, std::string_view asked,
                  const NotFound& missing, const Depot* depot) {
  if (!missing.asked) return explain_miss(asked, missing.asked.error());
  if (missing.withheld) return withheld_upload(*missing.asked);
  auto miss =
      missing.error == not_there && !is_exact_name(asked, *missing.asked) && is_file(root, *missing.asked)
          ? withheld(asked, *missing.asked, missing.forgiving)
          : Explainer(root, catalogue, depot, missing.forgiving).explain(*missing.asked, missing.error);
  if (!miss.error) miss.error = missing.error;
  if (missing.alias)
    miss.what += fmt::format(" (lookup.aliases: {} stands for {})", missing.alias->from.text(),
                             missing.alias->to.text());
  if (miss.nearest && is_in_uploads(*miss.nearest)) miss.nearest.reset();  // it is no image to be pointed at
  return miss;
}

Miss withheld_upload(const Path& path) {
  return {Cause::read_refused,
          path.text() + " is an upload, and those are not served over TFTP",
          "fetch it over SFTP, or set tftp.read_uploads: true",
          {},
          std::make_error_code(std::errc::permission_denied)};
}

Miss closed_images(const std::filesystem::path& images, std::error_code error) {
  return {Cause::unreadable,
          fmt::format("{} cannot be opened: {}", utf8_of(images), error.message()),
          "it and every folder above it must be open to the user that apdepot runs as",
          {},
          error,
          "the images cannot be read"};
}

Miss plain_miss(std::string_view asked, std::error_code error) {
  return {Cause::not_found, fmt::format("{}: {}", asked, error.message()), "", {}, error};
}

}  // namespace storage
