#include "storage/lookup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "storage/release.hpp"

namespace storage {
namespace {

// What a scan for an explanation may cost at the most: bounds, not expectations.
constexpr std::size_t deepest = 4;
constexpr std::size_t most_entries = 50'000;
constexpr auto nothing_yet = "there are no images yet: put a bundle into drop/";

// A directory that holds files: a release, for an explanation's purpose.
struct Shelf {
  Path path;
  std::vector<std::string> files;
  bool holds(std::string_view name) const { return std::ranges::find(files, name) != files.end(); }
  bool has_images() const { return std::ranges::any_of(files, is_image_family); }
};

void collect(const Root& root, const Path& path, std::vector<Shelf>& shelves, std::size_t& left) {
  auto directory = root.open_directory(path);
  if (!directory) return;
  Shelf shelf{path, {}};
  std::vector<std::string> below;
  while (left > 0) {
    const auto entries = directory->read(std::min<std::size_t>(left, 256));
    if (!entries || entries->empty()) break;
    left -= entries->size();
    for (const auto& entry : *entries) {
      if (entry.attributes.kind == Kind::file) shelf.files.push_back(entry.name);
      if (entry.attributes.kind == Kind::directory && Path::is_component(entry.name))
        below.push_back(entry.name);
    }
  }
  std::ranges::sort(shelf.files);
  if (!shelf.files.empty()) shelves.push_back(std::move(shelf));
  if (path.components().size() >= deepest) return;
  for (const auto& name : below) collect(root, path / name, shelves, left);
}

// "17_9_4a" and "EWC_17_9_4a" name a version; "Wrong-Path" and "C9800" do not.
std::optional<Version> version_in(std::string_view directory) {
  const auto digit = directory.find_first_of("0123456789");
  if (digit == std::string_view::npos) return {};
  auto version = Version::parse(directory.substr(digit));
  if (!version || version->fields.size() < 2) return {};
  return version;
}

// Which of two shelves that hold the same name is nearer to `asked`: the same product first, then the newer
// release.
bool nearer(const Path& asked, const Shelf* a, const Shelf* b) {
  const auto product = asked.parent().parent();
  const bool a_same = a->path.parent() == product, b_same = b->path.parent() == product;
  if (a_same != b_same) return a_same;
  return version_in(a->path.name()) > version_in(b->path.name());
}

class Explanation {
 public:
  Explanation(const Root& root, const Path& asked) : root_(root), asked_(asked) {
    std::size_t left = most_entries;
    collect(root, Path{}, shelves_, left);
  }

  Miss miss() const {
    const auto name = asked_.name();
    const auto directory = asked_.parent();
    if (const auto* here = shelf(directory); here && here->has_images() && is_image_family(name)) {
      return with_nearest(Cause::family_missing, fmt::format("{} has no {}", directory.text(), name),
                          "it has " + images(*here));
    }
    const bool directory_exists = root_.attributes(directory).has_value();
    const auto missing = directory_exists ? asked_ : directory;
    const auto what = missing.text() + " does not exist";
    if (names_unknown_release(missing)) return with_nearest(Cause::no_such_release, what, releases());
    if (nearest()) return with_nearest(Cause::wrong_directory, what, "");
    return Miss{Cause::not_found, what, shelves_.empty() ? nothing_yet : "", {}, {}};
  }

 private:
  const Shelf* shelf(const Path& path) const {
    const auto found = std::ranges::find(shelves_, path, &Shelf::path);
    return found == shelves_.end() ? nullptr : &*found;
  }

  bool names_unknown_release(const Path& directory) const {
    const auto version = version_in(directory.name());
    return version && std::ranges::none_of(shelves_, [&](const Shelf& shelf) {
             return version_in(shelf.path.name()) == version;
           });
  }

  const Shelf* nearest() const {
    const Shelf* best = nullptr;
    for (const auto& shelf : shelves_) {
      if (shelf.holds(asked_.name()) && (!best || nearer(asked_, &shelf, best))) best = &shelf;
    }
    return best;
  }

  Miss with_nearest(Cause cause, std::string what, std::string otherwise) const {
    const auto* shelf = nearest();
    if (!shelf) return Miss{cause, std::move(what), std::move(otherwise), {}, {}};
    auto hint = fmt::format("{} is in {}", asked_.name(), shelf->path.text());
    return Miss{cause, std::move(what), std::move(hint), shelf->path / asked_.name(), {}};
  }

  static std::string images(const Shelf& shelf) {
    std::string text;
    for (const auto& file : shelf.files) {
      if (is_image_family(file)) text.append(text.empty() ? "" : ", ").append(file);
    }
    return text;
  }

  std::string releases() const {
    if (shelves_.empty()) return nothing_yet;
    constexpr std::size_t most_named = 5;
    std::string text;
    std::size_t named = 0;
    for (const auto& shelf : shelves_) {
      if (!version_in(shelf.path.name()) || ++named > most_named) continue;
      text.append(text.empty() ? "releases here: " : ", ").append(shelf.path.text());
    }
    return named > most_named ? text + ", ..." : text;
  }

  const Root& root_;
  const Path& asked_;
  std::vector<Shelf> shelves_;
};

}  // namespace

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::empty_name:
      return "EMPTY_NAME";
    case Cause::escapes_root:
      return "ESCAPES_ROOT";
    case Cause::is_directory:
      return "IS_DIRECTORY";
    case Cause::unreadable:
      return "UNREADABLE";
    case Cause::wrong_directory:
      return "WRONG_DIRECTORY";
    case Cause::no_such_release:
      return "NO_SUCH_RELEASE";
    case Cause::family_missing:
      return "FAMILY_MISSING";
    case Cause::write_refused:
      return "WRITE_REFUSED";
    case Cause::not_found:
      break;
  }
  return "NOT_FOUND";
}

Miss explain_miss(std::string_view asked, PathError error) {
  const auto not_found = std::make_error_code(std::errc::no_such_file_or_directory);
  switch (error) {
    case PathError::empty:
      return {Cause::empty_name, "the request names no file", "", {}, not_found};
    case PathError::climbs:
      return {Cause::escapes_root,
              fmt::format("{} leads above /", asked),
              "",
              {},
              std::make_error_code(std::errc::permission_denied)};
    case PathError::too_long:
      return {Cause::not_found,
              "the name is too long",
              "",
              {},
              std::make_error_code(std::errc::filename_too_long)};
    case PathError::invalid:
      break;
  }
  return {Cause::not_found,
          fmt::format("{} holds a backslash, a colon or a NUL", asked),
          "write / between directories",
          {},
          not_found};
}

Miss explain_miss(const Root& root, const Path& asked, std::error_code error) {
  Miss miss;
  if (error == std::errc::is_a_directory) {
    miss = {Cause::is_directory, asked.text() + " is a directory", "ask for a file in it", {}, {}};
  } else if (error == std::errc::operation_not_permitted) {
    miss = {Cause::unreadable, asked.text() + " is no regular file", "", {}, {}};
  } else if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    miss = Explanation(root, asked).miss();
  } else {
    miss = {error == std::errc::permission_denied ? Cause::unreadable : Cause::not_found,
            fmt::format("{} cannot be read: {}", asked.text(), error.message()),
            "",
            {},
            {}};
    if (miss.cause == Cause::unreadable) miss.hint = "make it readable for the user that apdepot runs as";
  }
  miss.error = error;
  return miss;
}

std::vector<Path> list_releases(const Root& root) {
  std::vector<Shelf> shelves;
  std::size_t left = most_entries;
  collect(root, Path{}, shelves, left);
  std::erase_if(shelves, [](const Shelf& shelf) { return !shelf.has_images(); });
  std::ranges::sort(shelves, {}, [](const Shelf& shelf) { return version_in(shelf.path.name()); });
  std::vector<Path> releases;
  for (auto& shelf : shelves) releases.push_back(std::move(shelf.path));
  return releases;
}

std::expected<Found, NotFound> find_image(const Root& root, std::string_view asked, AboveRoot above) {
  auto path = Path::parse(asked, above);
  if (!path) return std::unexpected(NotFound{std::move(path), {}});
  auto file = root.open_file(*path);
  if (!file) return std::unexpected(NotFound{std::move(path), file.error()});
  return Found{std::move(*path), std::move(*file)};
}

Miss plain_miss(std::string_view asked, std::error_code error) {
  return {Cause::not_found, fmt::format("{}: {}", asked, error.message()), "", {}, error};
}

Miss explain_miss(const Root& root, std::string_view asked, const NotFound& miss) {
  return miss.asked ? explain_miss(root, *miss.asked, miss.error) : explain_miss(asked, miss.asked.error());
}

}  // namespace storage
