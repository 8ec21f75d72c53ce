#include "service/config_elements.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/macros.h"
#include "service/config_compile.h"
#include "tests/suite.h"

static const struct atlas_element elements[] = {
	{ .name = "ground", .output = "o", .place = { 0, 0, 64, 48 } },
	{ .name = "brake", .output = "o", .safety = 1, .place = { 4, 4, 8, 8 } },
	{ .name = "abs", .output = "o", .safety = 1, .place = { 28, 4, 8, 8 } },
	{ .name = "airbag", .output = "p", .safety = 1, .place = { 4, 4, 8, 8 } },
};
static const struct atlas atlas = { .elements = elements, .elements_len = ARRAY_LEN(elements) };

/* Line 5 is what a row says. */
#define FILE_TEXT                                                                                  \
	"outputs: [{name: o, mode: 64x48}, {name: p, mode: 64x48}]\n"                              \
	"guests: [{name: a}]\n"                                                                    \
	"safety: {signals: true}\n"                                                                \
	"layers: [{name: a, size: 32x32, opaque: true,\n"                                          \
	"  %s}]\n"

static const struct row {
	const char *name;
	const char *yaml;
	const char *message; /* NULL: nothing is wrong */
} rows[] = {
	{ "nothing named", "dark: true", NULL },
	{ "there", "verified: [brake]", NULL },
	{ "all of them", "verified: all", NULL },
	{ "a picture to compare with", "regions: [{name: r, check: presence, element: ground}]",
		NULL },
	{ "not there", "verified: [break]",
		"layers[0].verified: output 'o' has no element 'break'; allowed: brake" },
	{ "of another output", "verified: [airbag]",
		"layers[0].verified: output 'o' has no element 'airbag'; allowed: brake" },
	{ "no safety element", "verified: [ground]",
		"layers[0].verified: 'ground' is no safety element; allowed: brake" },
	{ "across the edge", "verified: [abs]",
		"layers[0].verified: 'abs' is not inside the layer; allowed: brake" },
	{ "none inside", "at: '40,20', verified: all",
		"layers[0].verified: no safety element is inside the layer; allowed: none, the "
		"HMI has none there" },
	{ "no such picture",
		"regions: [{name: q, check: live}, {name: r, check: presence, element: sky}]",
		"layers[0].regions[1].element: output 'o' has no element 'sky'; allowed: ground, "
		"brake, abs" },
};

START_TEST(named_elements) {
	const struct row *row = &rows[_i];
	char path[] = "/tmp/fascia-elements-XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, FILE_TEXT, row->yaml), 0);
	close(fd);
	struct config config;
	struct config_pictures pictures;
	ck_assert_msg(
		config_compile(path, "/run/test", &config, &pictures, stderr), "%s", row->name);
	config_pictures_finish(&pictures);
	ck_assert(config_names_elements(&config) == (strcmp(row->name, "nothing named") != 0));

	char *text, expected[512] = "";
	size_t text_bytes;
	FILE *errors = open_memstream(&text, &text_bytes);
	bool good = config_check_elements(path, &config, &atlas, errors);
	fclose(errors);
	if (row->message != NULL) {
		snprintf(expected, sizeof(expected), "%s:5: %s\n", path, row->message);
	}
	ck_assert_str_eq(text, expected);
	ck_assert(good == (row->message == NULL));
	free(text);
	unlink(path);
}
END_TEST

/* The complaint is worth more than its line. */
START_TEST(of_a_file_that_is_gone) {
	struct config config = {
		.outputs_len = 1,
		.outputs = { { .name = "o" } },
		.layers_len = 1,
		.layers = { { .place = { 0, 0, 32, 32 } } },
		.verified_len = 1,
		.verified = { { .element = "break" } },
	};
	char *text;
	size_t text_bytes;
	FILE *errors = open_memstream(&text, &text_bytes);
	ck_assert(!config_check_elements("/nowhere/x.yaml", &config, &atlas, errors));
	fclose(errors);
	ck_assert_ptr_nonnull(strstr(
		text, "\nlayers[0].verified: output 'o' has no element 'break'; allowed: brake\n"));
	free(text);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service config_elements");
	TCase *tcase = suite_case(suite, "elements");
	tcase_add_loop_test(tcase, named_elements, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tcase, of_a_file_that_is_gone);
	return suite;
}
