#include <stdio.h>
#include <string.h>

#include "core/fd.h"
#include "service/client.h"
#include "service/command.h"
#include "service/scalar.h"

/* Reads the value of an action into its message; false when it is not of the form. */
typedef bool (*read_value)(const char *text, int64_t *arg);

static bool read_place(const char *text, int64_t *arg) {
	int32_t x, y;
	if (!scalar_place(text, &x, &y)) {
		return false;
	}
	arg[0] = x;
	arg[1] = y;
	return true;
}

static bool read_size(const char *text, int64_t *arg) {
	uint32_t width, height;
	if (!scalar_size(text, &width, &height)) {
		return false;
	}
	arg[0] = width;
	arg[1] = height;
	return true;
}

static bool read_z(const char *text, int64_t *arg) {
	return scalar_int(text, INT32_MIN, INT32_MAX, arg);
}

static bool read_opacity(const char *text, int64_t *arg) {
	return scalar_int(text, 0, 255, arg);
}

static const struct action {
	const char *name;
	enum control_layer action;
	read_value read;   /* NULL: no value, `fixed` is sent */
	int64_t fixed;
	const char *form;
} actions[] = {
	{ "at", CONTROL_LAYER_AT, read_place, 0, SCALAR_PLACE_FORM },
	{ "size", CONTROL_LAYER_SIZE, read_size, 0, SCALAR_SIZE_FORM },
	{ "z", CONTROL_LAYER_Z, read_z, 0, "a whole number, -2147483648 to 2147483647" },
	{ "opacity", CONTROL_LAYER_OPACITY, read_opacity, 0, "0 to 255" },
	{ "hide", CONTROL_LAYER_VISIBLE, NULL, 0, NULL },
	{ "show", CONTROL_LAYER_VISIBLE, NULL, 1, NULL },
	{ "connect", CONTROL_LAYER_CONNECT, NULL, 1, NULL },
	{ "disconnect", CONTROL_LAYER_CONNECT, NULL, 0, NULL },
};

#define MESSAGES_MAX 16

static const struct action *find_action(const char *name) {
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, name) == 0) {
			return &actions[i];
		}
	}
	return NULL;
}

/* Turns the words after the layer's name into messages. Their number, or -1 after complaining. */
static int read_actions(const struct command *command, char **words, int words_len,
	struct control_packet *packets) {
	int len = 0;
	for (int i = 0; i < words_len; i++) {
		const struct action *action = find_action(words[i]);
		if (action == NULL || len == MESSAGES_MAX) {
			command_usage_error(command,
				"'%s'; allowed: at, size, z, opacity, hide, show, connect, "
				"disconnect",
				words[i]);
			return -1;
		}
		struct control_message *message = &packets[len++].message;
		message->type = CONTROL_LAYER;
		message->arg[0] = action->action;
		message->arg[1] = action->fixed;
		if (action->read == NULL) {
			continue;
		}
		const char *value = ++i < words_len ? words[i] : "";
		if (!action->read(value, &message->arg[1])) {
			command_usage_error(
				command, "%s '%s'; allowed: %s", action->name, value, action->form);
			return -1;
		}
	}
	return len;
}

static int change_layer(
	const struct command *command, const char *layer, struct control_packet *packets, int len) {
	int status;
	int compositor = client_connect_compositor(command, &status);
	if (compositor < 0) {
		return status;
	}
	bool done = true;
	for (int i = 0; done && i < len; i++) {
		snprintf(packets[i].message.name, sizeof(packets[i].message.name), "%s", layer);
		done = client_ask(command, compositor, &packets[i], NULL, NULL);
	}
	fd_close(&compositor);
	return done ? COMMAND_OK : COMMAND_FAILED;
}

static int run_layer(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { COMMAND_OPTIONS_COMMON, { 0 } };
	struct control_packet packets[MESSAGES_MAX] = { 0 };
	int option, status;
	/* + : a place may begin with a minus sign */
	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (argc - optind < 2) {
		return command_usage_error(command, "expected a layer and what to do with it");
	}
	if (!scalar_is_name(argv[optind])) {
		return command_usage_error(command,
			"'%s' is no name of a layer; `fascia status` lists them", argv[optind]);
	}
	int len = read_actions(command, argv + optind + 1, argc - optind - 1, packets);
	return len < 0 ? COMMAND_USAGE : change_layer(command, argv[optind], packets, len);
}

const struct command command_layer = {
	.name = "layer",
	.arguments = "NAME ACTION...",
	.summary = "Move, resize, restack, fade, hide or unplug a layer",
	.help = "  at X,Y             put its top left corner there\n"
		"  size WxH           make it so large; unscaled, its guest is asked for that "
		"mode\n"
		"  z N                restack it: lower is further back\n"
		"  opacity N          0 to 255\n"
		"  hide, show\n"
		"  disconnect, connect  unplug the guest's display, plug it in again\n"
		"Several are done in turn; each when the one before it is done.\n\n",
	.run = run_layer,
};
