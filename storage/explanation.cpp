#include "storage/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "storage/forgiving.hpp"
#include "storage/lookalike.hpp"
#include "storage/member_name.hpp"
#include "storage/packed.hpp"

namespace storage {
namespace {

constexpr auto nothing_yet = "there are no images yet: put a bundle into drop/";

std::string images(const Shelf& shelf) {
  std::string text;
  for (const auto& file : shelf.files) {
    if (is_image_family(file)) text.append(text.empty() ? "" : ", ").append(file);
  }
  return text;
}

Miss pointing_at(Cause cause, std::string what, const Shelf& shelf, const std::string& file) {
  return {cause, std::move(what), fmt::format("{} is in {}", file, shelf.path.text()), shelf.path / file, {}};
}

}  // namespace

Explanation::Explanation(const Root& root, const Path& asked, bool forgiving)
    : root_(root),
      asked_(asked),
      directory_(asked.parent()),
      shelves_(scan_shelves(root)),
      here_(shelf_asked(forgiving)),
      holder_(nearest([this](const Shelf& shelf) { return shelf.file(asked_.name()) != nullptr; })) {}

Miss Explanation::miss() const {
  if (auto miss = wrong_case()) return *miss;
  if (auto miss = not_unpacked()) return *miss;
  if (auto miss = lookalike_file()) return *miss;
  if (auto miss = family_missing()) return *miss;
  if (auto miss = lookalike_directory()) return *miss;
  return wrong_place();
}

std::optional<Miss> Explanation::wrong_case() const {
  std::vector<Path> fits;
  for (const auto& shelf : shelves_) {
    if (folded(shelf.path.text()) != folded(directory_.text())) continue;
    for (const auto& file : shelf.files) {
      if (folded(file) == folded(asked_.name())) fits.push_back(shelf.path / file);
    }
  }
  if (fits.empty()) return {};
  const auto what = asked_.text() + " is written in another case";
  const auto& first = fits.front();
  const auto hint = fits.size() == 1
                        ? fmt::format("{} is in {}", first.name(), first.parent().text())
                        : fmt::format("{} and {} differ by case alone", first.text(), fits[1].text());
  return Miss{Cause::wrong_case, what, hint, first, {}};
}

// Not when the name asked is that of a file elsewhere: then it is no typing error.
std::optional<Miss> Explanation::lookalike_file() const {
  if (holder_) return {};
  const auto similar = [this](const std::string& file) { return look_alike(file, asked_.name()); };
  const auto* shelf =
      nearest([&similar](const Shelf& each) { return std::ranges::any_of(each.files, similar); });
  if (!shelf) return {};
  return pointing_at(Cause::lookalike, fmt::format("there is no {}", asked_.name()), *shelf,
                     *std::ranges::find_if(shelf->files, similar));
}

std::optional<Miss> Explanation::lookalike_directory() const {
  const auto similar = [](const std::string& a, const std::string& b) {
    return folded(a) == folded(b) || look_alike(a, b);
  };
  const auto* shelf = nearest([&](const Shelf& each) {
    return each.file(asked_.name()) &&
           std::ranges::equal(each.path.components(), directory_.components(), similar);
  });
  if (!shelf) return {};
  return pointing_at(Cause::lookalike, fmt::format("there is no {}", directory_.text()), *shelf,
                     *shelf->file(asked_.name()));
}

std::optional<Miss> Explanation::not_unpacked() const {
  const auto archive = packed_in(root_, shelves_, asked_, holder_ == nullptr);
  if (!archive) return {};
  return Miss{Cause::not_unpacked,
              archive->text() + " is not unpacked",
              fmt::format("{} is inside {}: move that into drop/", asked_.name(), archive->text()),
              *archive,
              {}};
}

std::optional<Miss> Explanation::family_missing() const {
  if (!here_ || !here_->has_images() || !is_image_family(asked_.name())) return {};
  const auto what = fmt::format("{} has no {}", here_->path.text(), asked_.name());
  if (holder_) return pointing_at(Cause::family_missing, what, *holder_, *holder_->file(asked_.name()));
  return Miss{Cause::family_missing, what, "it has " + images(*here_), {}, {}};
}

Miss Explanation::wrong_place() const {
  const auto missing = root_.attributes(directory_).has_value() ? asked_ : directory_;
  const auto what = missing.text() + " does not exist";
  const bool unknown = names_unknown_release(missing);
  const auto elsewhere = unknown ? Cause::no_such_release : Cause::wrong_directory;
  if (holder_) return pointing_at(elsewhere, what, *holder_, *holder_->file(asked_.name()));
  if (unknown) return {Cause::no_such_release, what, releases(), {}, {}};
  return {Cause::not_found, what, what_there_is(), {}, {}};
}

const Shelf* Explanation::shelf_asked(bool forgiving) const {
  const auto found = std::ranges::find(shelves_, directory_, &Shelf::path);
  if (found != shelves_.end()) return &*found;
  return forgiving ? shelf_meant(root_, shelves_, {asked_}) : nullptr;
}

bool Explanation::names_unknown_release(const Path& directory) const {
  const auto version = version_in(directory.name());
  const auto same = [&](const Shelf& shelf) { return version_in(shelf.path.name()) == version; };
  return version && std::ranges::none_of(shelves_, same);
}

// The directory asked first, then the same release, the same product, and the newer of two releases.
bool Explanation::nearer(const Shelf& a, const Shelf& b) const {
  const auto rank = [this, version = version_in(directory_.name())](const Shelf& shelf) {
    const auto own = version_in(shelf.path.name());
    return std::tuple(&shelf == here_, version && own == version, shelf.path.parent() == directory_.parent(),
                      !shelf.linked, own);
  };
  return rank(a) > rank(b);
}

template <class Holds>
const Shelf* Explanation::nearest(Holds holds) const {
  const Shelf* best = nullptr;
  for (const auto& shelf : shelves_) {
    if (holds(shelf) && (!best || nearer(shelf, *best))) best = &shelf;
  }
  return best;
}

std::string Explanation::releases() const {
  if (shelves_.empty()) return nothing_yet;
  constexpr std::size_t most_named = 5;
  std::string text;
  std::size_t named = 0;
  for (const auto& shelf : shelves_) {
    if (shelf.linked || !version_in(shelf.path.name()) || ++named > most_named) continue;
    text.append(text.empty() ? "releases here: " : ", ").append(shelf.path.text());
  }
  if (text.empty()) return "no release is here";
  return named > most_named ? text + ", ..." : text;
}

// The part of the path that exists.
std::string Explanation::what_there_is() const {
  if (shelves_.empty()) return nothing_yet;
  for (auto path = directory_; !path.is_root(); path = path.parent()) {
    const auto attributes = root_.attributes(path);
    if (attributes)
      return path.text() + (attributes->kind == Kind::directory ? " is there" : " is no directory");
  }
  return releases();
}

}  // namespace storage
