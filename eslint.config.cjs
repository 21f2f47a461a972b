const js = require("@eslint/js");
const jsdoc = require("eslint-plugin-jsdoc");
const globals = require("globals");

module.exports = [
    js.configs.recommended,
    {
        plugins: {jsdoc},
        languageOptions: {
            ecmaVersion: 2024,
            globals: {...globals.browser, odoo: "readonly", luxon: "readonly"},
        },
        rules: {
            "array-callback-return": "error",
            "block-scoped-var": "error",
            complexity: ["error", 15],
            curly: "error",
            eqeqeq: "error",
            "jsdoc/check-alignment": "error",
            "jsdoc/check-param-names": "error",
            "jsdoc/check-tag-names": "error",
            "jsdoc/require-param-type": "error",
            "jsdoc/require-returns-type": "error",
            "max-lines-per-function": ["error", {max: 60, skipComments: true}],
            "no-alert": "error",
            "no-console": "error",
            "no-else-return": "error",
            "no-eval": "error",
            "no-implicit-globals": "error",
            "no-return-assign": "error",
            "no-shadow": "error",
            "no-unused-expressions": "error",
            "no-unused-vars": ["error", {args: "after-used"}],
            "no-use-before-define": ["error", {functions: false}],
            "no-var": "error",
            "object-shorthand": "error",
            "prefer-const": "error",
            "prefer-template": "error",
            yoda: "error",
        },
    },
    {files: ["**/*.js"], languageOptions: {sourceType: "module"}},
    {
        // A describe() or a tour holds all its steps.
        files: ["mail_crm_link/static/tests/**"],
        rules: {"max-lines-per-function": "off"},
    },
    {
        files: ["**/*.cjs"],
        languageOptions: {sourceType: "commonjs", globals: globals.node},
    },
];
