#include <yaml-cpp/yaml.h>

#include "tests/unit/server/commands/command_run.hpp"

using namespace server;
using test::has;

namespace {

// `show ap summary` and `show ap image`, a line an access point.
std::string summary(const std::string& name, const std::string& model) {
  return name + " 2 " + model + " a4b2.3291.9b28 2c57.4119.a060 default location UK 192.0.2.11 Registered\n";
}
std::string images(const std::string& name, const std::string& running,
                   const std::string& backup = "17.3.3.26", const std::string& status = "None") {
  return name + "  " + running + "  " + backup + "  " + status + "  0.0.0.0  N/A  0  N/A\n";
}

constexpr auto wanted = "17.9.4.27", old = "17.6.5.22";

// A depot with the release 17.9.4a for 9120 and 2802.
struct Stock : test::Site {
  Stock() { add("17_9_4a", wanted); }
  void add(const std::string& release, const std::string& version) const {
    put("EWC/" + release + "/version.info", version + "\n");
    for (const auto* name : {"ap1g7", "ap3g3"}) put("EWC/" + release + "/" + name);
  }
  test::Ran inventory(const std::string& tables, std::vector<std::string> words = {}) const {
    words.emplace_back("-");
    return run(inventory_command, words, tables);
  }
  YAML::Node first(const std::string& tables) const {
    return YAML::Load(inventory(tables, {"--json"}).out)["access_points"][0];
  }
};

}  // namespace

TEST_CASE("each access point gets its state and what to do about it") {
  const Stock stock;
  struct Row {
    std::string tables;
    const char *state, *why;
  };
  for (const auto& [tables, state, why] :
       {Row{images("a", wanted, old), "running", "runs it"},
        Row{images("a", wanted, wanted), "running", "runs it"},
        Row{images("a", wanted, old, "Failed"), "running", "runs it"},
        Row{images("a", old, wanted, "Complete"), "downloaded",
            "has it as its backup image: a reload or `install activate` swaps them"},
        Row{summary("a", "AIR-CAP1532I-E-K9") + images("a", old, wanted), "downloaded",
            "has it as its backup image: a reload or `install activate` swaps them"},
        Row{summary("a", "AIR-CAP1532I-E-K9") + images("a", old, "17.3.3.26", "Failed"), "no_image",
            "the release has no ap1g3 for it: import the bundle of its model"},
        Row{images("a", old) + summary("a", "AIR-CAP1532I-E-K9"), "no_image",
            "the release has no ap1g3 for it: import the bundle of its model"},
        Row{summary("a", "C9120AXE-D") + images("a", old, "17.3.3.26", "Failed"), "failed",
            "its predownload failed (Failed): `apdepot diagnose` reads the controller's log"},
        Row{images("a", old, "17.3.3.26", "Predownload fail"), "failed",
            "its predownload failed (Predownload fail): `apdepot diagnose` reads the controller's log"},
        Row{images("a", old, "17.3.3.26", "Predownloading"), "downloading", "downloads"},
        Row{images("a", old, "17.3.3.26", "Initiated"), "downloading", "downloads"},
        Row{images("a", old), "has_not", "runs 17.6.5.22: `ap image predownload` on the controller"},
        Row{images("a", old, "17.3.3.26", "Complete"), "has_not",
            "runs 17.6.5.22: `ap image predownload` on the controller"},
        Row{summary("a", "unheard-of"), "has_not", "nobody told what it runs: add `show ap image`"},
        Row{summary("a", "9120AXI"), "has_not", "nobody told what it runs: add `show ap image`"}}) {
    CAPTURE(tables);
    const auto device = stock.first(tables);
    CHECK(device["state"].as<std::string>() == state);
    CHECK(device["why"].as<std::string>() == why);
  }
}

TEST_CASE("who needs a person stands first, and below that the order of the tables stays") {
  const auto ran = Stock().inventory(
      images("runs", wanted) + images("later", old) + images("has", old, wanted) +
      images("loads", old, "17.3.3.26", "Predownloading") + images("failed", old, "17.3.3.26", "Failed") +
      images("earlier", old) + summary("none", "AIR-CAP1532I-E-K9"));
  CHECK(ran.status == 1);
  CHECK(ran.err.empty());
  const auto lines = test::lines_in(ran.out);
  REQUIRE(lines.size() == 9);
  CHECK(lines[0] == "2 of 7 access points have /EWC/17_9_4a");
  CHECK(lines[1] == "AP       MODEL              RUNS       STATE        WHY");
  CHECK(lines[2].starts_with("failed   -                  17.6.5.22  failed       its predownload failed"));
  CHECK(lines[3].starts_with("none     AIR-CAP1532I-E-K9  -          no_image     the release has no ap1g3"));
  for (const auto& [line, name] : {std::pair(4, "later "), std::pair(5, "earlier "), std::pair(6, "loads "),
                                   std::pair(7, "has "), std::pair(8, "runs ")})
    CHECK(lines[static_cast<std::size_t>(line)].starts_with(name));
}

TEST_CASE("the status is 0 when all access points have the release, and there is one at least") {
  const Stock stock;
  const auto all = stock.inventory(images("a", wanted) + images("b", old, wanted));
  CHECK(all.status == 0);
  CHECK(all.out.starts_with("2 of 2 access points have /EWC/17_9_4a\n"));
  CHECK(stock.inventory(images("a", wanted) + images("b", old)).status == 1);
  for (const std::string tables : {"", "show ap image\n", "nothing that is known\n"}) {
    const auto none = stock.inventory(tables);
    CHECK(none.status == 1);
    CHECK(none.out.empty());
    CHECK(none.err.starts_with("no line of the input is of an access point: paste what `show ap image`"));
  }
  const auto json = stock.inventory("", {"--json"});
  CHECK(json.status == 1);
  CHECK(json.out == "{\"release\":\"/EWC/17_9_4a\",\"have\":0,\"of\":0,\"access_points\":[]}\n");
}

TEST_CASE("what the tables say of one access point is put together, and what they do not say is null") {
  const Stock stock;
  const auto both = stock.first(summary("a", "9120AXI") + images("a", old, "17.3.3.26"));
  CHECK(both["model"].as<std::string>() == "9120AXI");
  CHECK(both["address"].as<std::string>() == "192.0.2.11");
  CHECK(both["backup"].as<std::string>() == "17.3.3.26");
  CHECK(both["image"].IsNull());
  CHECK(stock.first(images("a", old))["model"].IsNull());
}

TEST_CASE("the release is the one that is named, else the promoted one, else the only one") {
  const Stock stock;
  const auto tables = images("a", "17.12.1.5");
  CHECK(stock.inventory(tables).out.starts_with("0 of 1 access points have /EWC/17_9_4a\n"));

  stock.add("17_12_1", "17.12.1.5");
  const auto several = stock.inventory(tables);
  CHECK(several.status == 2);
  CHECK(several.mistake == "--release is missing: several are here, `apdepot releases` lists them");
  CHECK(stock.inventory(tables, {"--release", "17.12.1"}).out.starts_with("1 of 1"));
  CHECK(stock.inventory(tables, {"--release", "/EWC/17_9_4a"}).out.starts_with("0 of 1"));

  stock.put("EWC/current", "17_12_1\n");
  CHECK(stock.inventory(tables).out.starts_with("1 of 1 access points have /EWC/17_12_1\n"));
  stock.put("ME/8_10_185_0/ap3g3");
  stock.put("ME/current", "8_10_185_0\n");
  CHECK(stock.inventory(tables).status == 2);

  const auto missing = stock.inventory(tables, {"--release", "17.15.1"});
  CHECK(missing.status == 1);
  CHECK(has(missing.mistake, "17.15.1 is not a release here; there are: "));
}

TEST_CASE("a depot without a release says so") {
  const test::Site site;
  const auto ran = site.run(inventory_command, {"-"}, images("a", old));
  CHECK(ran.status == 1);
  CHECK(ran.mistake == "no release is here yet: import a bundle first");
}

TEST_CASE("the tables may lie in a file, which is named where there is nothing in it") {
  const Stock stock;
  const auto file = stock.dir.write("tables\a", images("a", wanted)).string();
  CHECK(stock.run(inventory_command, {file}).status == 0);
  stock.dir.write("tables\a", "x\n");
  const auto none = stock.run(inventory_command, {file});
  CHECK(has(none.err, "tables\\x07 is of an access point"));
  CHECK(stock.run(inventory_command).mistake == "FILE is missing");
  CHECK(stock.run(inventory_command, {"-", "x"}).mistake == "unexpected argument x");
  CHECK(stock.run(inventory_command, {(stock.dir / "none").string()}).status == 1);
}

TEST_CASE("a manifest that is damaged is a warning, and the answer is given all the same") {
  const Stock stock;
  stock.dir.write("depot/state/manifests/EWC/17_9_4a.yaml", "[");
  const auto ran = stock.inventory(images("a", wanted));
  CHECK(ran.status == 0);
  CHECK(ran.err.starts_with("warning: "));
  CHECK(has(ran.err, "17_9_4a.yaml"));
}

TEST_CASE("hostile words of a table reach the terminal escaped, and columns stay below each other") {
  const Stock stock;
  const auto tables = images("a\x1b[2J\xe2\x80\xae", old, "17.3.3.26", "Fail\aed") + images("b", old);
  for (const auto& words : {test::Words{}, test::Words{"--json"}}) {
    const auto ran = stock.inventory(tables, words);
    for (const std::string_view raw : {"\x1b", "\xe2\x80\xae", "\a"}) CHECK_FALSE(has(ran.out, raw));
  }
  const auto lines = test::lines_in(stock.inventory(tables).out);
  REQUIRE(lines.size() == 4);
  CHECK(lines[2].find("17.6.5.22") == lines[1].find("RUNS"));
  CHECK(lines[3].find("17.6.5.22") == lines[1].find("RUNS"));
}
